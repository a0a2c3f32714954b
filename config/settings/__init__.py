"""Settings by environment: `dev` (and `make demo`), `test`, `prod`; chosen by FRONTDESK_ENV."""
