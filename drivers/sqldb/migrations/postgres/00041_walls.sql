-- +goose Up
-- The second wall between tenants: what a statement may see and write is said by settings
-- of its transaction (scope.go), and with none of them it is nothing. It binds the tables' owner too. A
-- migration that makes a table with tenants' rows calls streamgate_wall for it; one that
-- changes rows first does SELECT set_config('streamgate.bypass', 'migration', true).
--
-- tenant_column holds the row's tenant. row_column, when there is one, is what
-- streamgate.row is compared with: the id of the thing that the row is or belongs to.
-- +goose StatementBegin
CREATE FUNCTION streamgate_wall(table_name TEXT, tenant_column TEXT, row_column TEXT) RETURNS VOID LANGUAGE plpgsql AS $body$
DECLARE
    rule TEXT := format('%I = NULLIF(current_setting(''streamgate.tenant'', true), '''')', tenant_column);
BEGIN
    IF row_column IS NOT NULL THEN
        rule := rule || format(' OR %I = NULLIF(current_setting(''streamgate.row'', true), '''')', row_column);
    END IF;
    rule := rule || ' OR NULLIF(current_setting(''streamgate.bypass'', true), '''') IS NOT NULL';
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY streamgate_wall ON %I USING (%s) WITH CHECK (%s)', table_name, rule, rule);
END
$body$;
-- +goose StatementEnd
SELECT streamgate_wall('tenants', 'id', NULL);
SELECT streamgate_wall('auth_challenges', 'tenant', NULL);
SELECT streamgate_wall('auth_wallets', 'tenant', NULL);
SELECT streamgate_wall('auth_sessions', 'tenant', 'id');
SELECT streamgate_wall('auth_tokens', 'tenant', 'session_id');
SELECT streamgate_wall('auth_api_keys', 'tenant', NULL);
SELECT streamgate_wall('media_assets', 'tenant', 'id');
SELECT streamgate_wall('media_uploads', 'tenant', 'id');
SELECT streamgate_wall('media_parts', 'tenant', 'upload');
SELECT streamgate_wall('media_versions', 'tenant', 'asset');
SELECT streamgate_wall('media_tasks', 'tenant', 'asset');
SELECT streamgate_wall('playback_grants', 'tenant', 'token_hash');
SELECT streamgate_wall('outbox', 'tenant', 'event_key');
