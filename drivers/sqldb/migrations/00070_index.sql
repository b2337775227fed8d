-- +goose Up
-- The ownership index: what the chains say, the same for every tenant, so that there is no
-- tenant's row here and no wall. It can be built anew from the chain at any time.
CREATE TABLE index_chains (
    chain       TEXT   NOT NULL PRIMARY KEY, -- CAIP-2
    revision    BIGINT NOT NULL, -- steps made
    generation  BIGINT NOT NULL, -- times that something was taken back
    base_number BIGINT NOT NULL, -- the values of live contracts are of the end of this block
    base_hash   TEXT   NOT NULL,
    base_time   BIGINT NOT NULL
);

CREATE TABLE index_contracts (
    chain       TEXT   NOT NULL,
    contract    TEXT   NOT NULL,
    kind        TEXT   NOT NULL, -- erc721, erc1155, erc20 or empty
    status      TEXT   NOT NULL, -- wanted, backfilling, live, refused
    reason      TEXT   NOT NULL,
    next_block  BIGINT NOT NULL, -- the first of which nothing is settled, while backfilling
    first_block BIGINT NOT NULL,
    events      BIGINT NOT NULL,
    PRIMARY KEY (chain, contract)
);

-- A balance in decimal, or with an empty account the owner of a token.
CREATE TABLE index_values (
    chain    TEXT NOT NULL,
    contract TEXT NOT NULL,
    account  TEXT NOT NULL,
    token    TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (chain, contract, account, token)
);
