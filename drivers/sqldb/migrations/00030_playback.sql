-- +goose Up
CREATE TABLE playback_grants (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    asset_id   TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    user_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    accounts   TEXT   NOT NULL, -- JSON array of CAIP-10
    owner      BIGINT NOT NULL, -- 0 or 1
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX playback_grants_expires ON playback_grants (expires_at);
