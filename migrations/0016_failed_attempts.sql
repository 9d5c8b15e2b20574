-- Verifications of one person that were not approved, so that somebody can be kept from trying until one is. Every
-- replica asks here, and a restart forgets nothing. One row a person: the row is what replicas take turns by.

create table failed_attempts (
    tenant text not null default current_setting('likeness.tenant', true),
    -- SHA-256 of the caller's key: what is erased elsewhere is not spelt out here.
    reference bytea not null,
    -- The latest, oldest first; as many as are allowed at most.
    failed_at timestamptz[] not null,
    -- When the last of them no longer counts.
    expires_at timestamptz not null,
    constraint failed_attempts_pkey primary key (tenant, reference),
    constraint failed_attempts_tenant_length check (char_length(tenant) between 1 and 64),
    constraint failed_attempts_reference_length check (octet_length(reference) = 32),
    constraint failed_attempts_failed_at_size check (cardinality(failed_at) between 1 and 1000)
);

create index failed_attempts_expiry on failed_attempts (expires_at);

alter table failed_attempts enable row level security;
alter table failed_attempts force row level security;
create policy failed_attempts_tenant on failed_attempts
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

-- As with used tokens: rows that no longer count go for all tenants at once, and no other row ever does.
create policy failed_attempts_expired on failed_attempts for delete
    using (expires_at < now());
create policy failed_attempts_kept on failed_attempts as restrictive for delete
    using (expires_at < now());

grant select, insert, update, delete on failed_attempts to likeness_service;
