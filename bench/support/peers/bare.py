"""FastAPI and asyncpg: the row by its id, in one SELECT. No credential, no limit, no tenant."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

DSN = os.environ["BENCH_DSN"]
SCHEMA = os.environ["BENCH_TENANT_SCHEMA"]
STATEMENT = (
    "SELECT id, sku, name, description, category, price_minor, currency "  # noqa: S608 - our schema
    f'FROM "{SCHEMA}".commerce_product WHERE id = $1'
)


class Product(BaseModel):
    id: UUID
    sku: str
    name: str
    description: str
    category: str
    price_minor: int
    currency: str


@asynccontextmanager
async def pooled(application: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DSN, min_size=4, max_size=16) as pool:
        application.state.pool = pool
        yield


app = FastAPI(lifespan=pooled)


@app.get("/products/{product_id}")
async def product_get(product_id: UUID) -> Product:
    row = await app.state.pool.fetchrow(STATEMENT, product_id)
    if row is None:
        raise HTTPException(404)
    return Product(**row)
