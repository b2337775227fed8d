-- +goose Up
-- Tokens and API keys are stored as SHA-256 only.
CREATE TABLE auth_challenges (
    tenant     TEXT   NOT NULL,
    nonce      TEXT   NOT NULL,
    origin     TEXT   NOT NULL,
    account    TEXT   NOT NULL, -- CAIP-10
    message    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    failures   BIGINT NOT NULL,
    PRIMARY KEY (tenant, nonce)
);
CREATE INDEX auth_challenges_expiry ON auth_challenges (expires_at);

-- A user is the set of wallets with one user_id. An address is one wallet on
-- every chain of its namespace; account names the chain it last signed for.
CREATE TABLE auth_wallets (
    tenant     TEXT   NOT NULL,
    namespace  TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    account    TEXT   NOT NULL, -- CAIP-10
    user_id    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, namespace, address)
);
CREATE INDEX auth_wallets_user ON auth_wallets (tenant, user_id);

CREATE TABLE auth_sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    account    TEXT   NOT NULL, -- CAIP-10
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);
CREATE INDEX auth_sessions_user ON auth_sessions (tenant, user_id);
CREATE INDEX auth_sessions_end ON auth_sessions (ends_at);

-- Used refresh tokens stay until they expire, so that a second use is noticed.
CREATE TABLE auth_tokens (
    tenant     TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    kind       TEXT   NOT NULL, -- access, refresh
    session_id TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL, -- 0 while unused
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX auth_tokens_session ON auth_tokens (session_id);
CREATE INDEX auth_tokens_expiry ON auth_tokens (expires_at);

CREATE TABLE auth_api_keys (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX auth_api_keys_hash ON auth_api_keys (tenant, hash);
CREATE INDEX auth_api_keys_user ON auth_api_keys (tenant, user_id);
