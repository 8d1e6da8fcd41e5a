"""FastAPI as a careful user writes it for a small model: a typed body, answered on the loop."""

from fastapi import FastAPI
from model import model
from pydantic import BaseModel


class Row(BaseModel):
    x: list[float]


app = FastAPI()
predict = model()


@app.post("/predict")
async def answer(row: Row) -> dict[str, list[float]]:
    return {"y": predict([row.x])[0]}
