module engines/node

go 1.26
