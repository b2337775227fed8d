-- +goose Up
-- What a contract wallet accepted when the session was opened, to be asked about again at each
-- refresh; empty for a wallet that is a key.
ALTER TABLE auth_sessions ADD COLUMN proof TEXT NOT NULL DEFAULT '';
