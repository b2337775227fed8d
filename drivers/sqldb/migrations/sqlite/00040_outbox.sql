-- +goose Up
-- Events that were committed with the change they tell of. Rows of one tenant and key are
-- published in the order of seq. Times are the database's own.
CREATE TABLE outbox (
    seq           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    topic         TEXT    NOT NULL,
    tenant        TEXT    NOT NULL,
    event_key     TEXT    NOT NULL,
    at            BIGINT  NOT NULL, -- Unix nanoseconds, as told by the event
    data          TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    claimed_until BIGINT  NOT NULL, -- somebody is publishing it until then
    published_at  BIGINT  NOT NULL  -- 0 until then
);
CREATE INDEX outbox_open ON outbox (tenant, event_key, seq) WHERE published_at = 0;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at > 0;
