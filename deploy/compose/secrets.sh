#!/usr/bin/env bash
# secrets.sh [FOLDER]: makes the passwords of compose.yaml, once, and the addresses that contain them. It never replaces
# any: what runs already has the old ones. The folder is for its owner alone; the files in it can be read by all, since
# compose mounts each by itself and the users inside the containers are not the one outside.
set -euo pipefail
umask 022
dir=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
if [ -e "$dir" ]; then echo "secrets.sh: $dir is there already and stays as it is" >&2; exit 0; fi
new=$dir.part
rm -rf "$new"
mkdir -m 700 "$new"
random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
put() { printf '%s\n' "$2" >"$new/$1"; }

postgres=$(random) db=$(random) redis=$(random) nats=$(random) access=$(random) secret=$(random)
put postgres_password "$postgres" # of the superuser, for operators; no process of StreamGate has it
put db_password "$db"
put database_url "postgres://streamgate:$db@postgres:5432/streamgate?sslmode=disable"
put redis_password "$redis"
put redis.conf "requirepass $redis"
put cache_url "redis://:$redis@redis:6379/0"
put nats_auth.conf "authorization { user: \"streamgate\", password: \"$nats\" }"
put events_url "nats://streamgate:$nats@nats:4222"
put s3.env "ROOT_ACCESS_KEY=$access
ROOT_SECRET_KEY=$secret"
put storage_url "s3://$access:$secret@s3:7070/streamgate?tls=false&path_style=true&create=true"
put chains.env "# The chains that gates ask, one line each, as JSON-RPC endpoints of yours:
# STREAMGATE_CHAIN_EIP155_1_RPC_URL=https://...
# STREAMGATE_CHAIN_EIP155_1_WS_URL=wss://..."
put issuing.env "# Who signs the passes that creators deploy and mint on a chain, when it is not their own wallets. See docs/passes.md.
# STREAMGATE_PASSES_WHO=creators
# STREAMGATE_CHAIN_EIP155_1_SIGNER=awskms://KEY:SECRET@HOST/ALIAS?region=REGION"
mv "$new" "$dir"
echo "made $dir: name your chains in chains.env, and keep the folder out of backups of the volumes"
