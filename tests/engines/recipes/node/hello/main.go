// hello answers every request with a line that names its host, and drains when it is asked to end.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	host, _ := os.Hostname()
	handler := func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(writer, "hello from", host) }
	server := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(handler)}
	ending, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	<-ending.Done()
	_ = server.Shutdown(context.Background())
}
