-- +goose Up
-- Orders of nft/pass: deployments and mints. The number (nonce) among the transactions of a sender is held by one order
-- at most, of whatever tenant; no number, and those of wallets that the platform does not number, are NULL.
CREATE TABLE pass_orders (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    client_key TEXT   NOT NULL,
    act        TEXT   NOT NULL, -- deploy, mint, fill
    pass       TEXT   NOT NULL,
    chain      TEXT   NOT NULL, -- CAIP-2
    sender     TEXT   NOT NULL,
    nonce      BIGINT,
    work       BIGINT NOT NULL, -- 1 while there is something to do
    final      BIGINT NOT NULL, -- 1 when nothing more will happen
    doc        TEXT   NOT NULL,
    rev        BIGINT NOT NULL
);
CREATE UNIQUE INDEX pass_orders_key ON pass_orders (tenant, owner, client_key);
CREATE UNIQUE INDEX pass_orders_number ON pass_orders (chain, sender, nonce);
CREATE INDEX pass_orders_list ON pass_orders (tenant, owner, act, pass, id);
CREATE INDEX pass_orders_work ON pass_orders (chain, work, id);

-- A row for each sender, which is held while a number is given out. Senders are the platform's and of no tenant.
CREATE TABLE pass_senders (
    chain  TEXT   NOT NULL,
    sender TEXT   NOT NULL,
    given  BIGINT NOT NULL,
    PRIMARY KEY (chain, sender)
);
