-- +goose Up
-- Wrapped scope keys of auth/keys; the master keys are elsewhere. A row is never deleted: a
-- tombstone keeps the scope from being used again.
CREATE TABLE key_scopes (
    scope       TEXT   NOT NULL PRIMARY KEY,
    master      TEXT   NOT NULL, -- version of the master key, empty once shredded
    wrapped     TEXT   NOT NULL, -- base64, empty once shredded
    shredded_at BIGINT NOT NULL, -- 0 while it lives
    revision    BIGINT NOT NULL
);

-- One row: which master key wraps what is new, and which may still be needed.
CREATE TABLE key_versions (
    id              BIGINT NOT NULL PRIMARY KEY, -- 1
    current_version TEXT   NOT NULL,
    old_versions    TEXT   NOT NULL, -- JSON array
    revision        BIGINT NOT NULL
);
