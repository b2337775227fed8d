-- +goose Up
CREATE TABLE media_assets (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    deleting   BIGINT NOT NULL,
    words      TEXT   NOT NULL,
    doc        TEXT   NOT NULL,
    rev        BIGINT NOT NULL
);
CREATE INDEX media_assets_list ON media_assets (tenant, id);
CREATE INDEX media_assets_owner ON media_assets (tenant, owner, id);
CREATE INDEX media_assets_status ON media_assets (status);
CREATE TABLE media_uploads (
    id          TEXT   NOT NULL PRIMARY KEY,
    tenant      TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    asset       TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    hash        TEXT   NOT NULL,
    finished    BIGINT NOT NULL,
    counted     BIGINT NOT NULL,
    doc         TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    rev         BIGINT NOT NULL
);
CREATE INDEX media_uploads_asset ON media_uploads (asset);
CREATE INDEX media_uploads_owner ON media_uploads (tenant, owner);
CREATE INDEX media_uploads_finished ON media_uploads (finished);
CREATE TABLE media_parts (
    upload      TEXT   NOT NULL,
    byte_offset BIGINT NOT NULL,
    tenant      TEXT   NOT NULL,
    storage_key TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    PRIMARY KEY (upload, byte_offset)
);
CREATE TABLE media_versions (
    asset  TEXT   NOT NULL,
    number BIGINT NOT NULL,
    tenant TEXT   NOT NULL,
    doc    TEXT   NOT NULL,
    PRIMARY KEY (asset, number)
);
CREATE TABLE media_tasks (
    asset    TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    task     TEXT   NOT NULL,
    tenant   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    doc      TEXT   NOT NULL,
    rev      BIGINT NOT NULL,
    PRIMARY KEY (asset, number, task)
);
