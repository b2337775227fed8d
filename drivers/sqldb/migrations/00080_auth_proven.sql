-- +goose Up
-- The sessions of contract wallets, which are few, are read in order of their ids and asked about again.
CREATE INDEX auth_sessions_proven ON auth_sessions (id) WHERE proof <> '';
