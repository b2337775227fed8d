-- +goose Up
SELECT streamgate_wall('pass_orders', 'tenant', NULL);
