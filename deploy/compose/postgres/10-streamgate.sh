#!/usr/bin/env bash
# Runs once, when the volume of PostgreSQL is empty. It makes the role that StreamGate works as: the image's first user is
# a superuser, whom row-level security does not bind, and StreamGate refuses to work as one (docs/postgres.md).
set -euo pipefail
export STREAMGATE_PASSWORD_FILE=${STREAMGATE_PASSWORD_FILE:-/run/secrets/db_password}
# psql reads the password itself, so that it is in no argument of a process.
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat "$STREAMGATE_PASSWORD_FILE"`
CREATE ROLE streamgate LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE streamgate OWNER streamgate TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE CONNECT ON DATABASE streamgate FROM PUBLIC;
SQL
