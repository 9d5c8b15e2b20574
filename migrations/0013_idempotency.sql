-- Requests with an `Idempotency-Key`, and what they were answered.
--
-- A key is claimed in a transaction of its own before the work begins: `running`, leased by one holder. The transaction
-- that has the effect writes the answer into the same row, on the condition that the holder still holds it; so whatever
-- is killed when, effect and answer are both there or neither is. A claim that nobody renews any more passes on.
create table idempotency_keys (
    tenant text not null default current_setting('likeness.tenant', true),
    -- SHA-256 of the route, the ids in its path and the key: of one length, and what callers write into keys is not kept.
    key_hash bytea not null,
    -- SHA-256 of what was sent. It tells nothing once the answer is forgotten, and goes with it.
    fingerprint bytea,
    state text not null,
    holder uuid not null,
    locked_until timestamptz not null,
    expires_at timestamptz not null,
    status smallint,
    location text,
    body bytea,
    constraint idempotency_keys_pkey primary key (tenant, key_hash),
    constraint idempotency_keys_tenant_length check (char_length(tenant) between 1 and 64),
    constraint idempotency_keys_hash_length check (octet_length(key_hash) = 32 and octet_length(fingerprint) = 32),
    -- `forgotten`: what it was answered with has been deleted. The key stays, so that no late repetition brings it back.
    constraint idempotency_keys_state_known check (state in ('running', 'answered', 'forgotten')),
    constraint idempotency_keys_fingerprint_until_forgotten check ((fingerprint is null) = (state = 'forgotten')),
    constraint idempotency_keys_answer_when_answered check (
        (status is not null) = (state = 'answered') and (body is not null) = (state = 'answered')
        and (location is null or state = 'answered')
    ),
    constraint idempotency_keys_held_until_expiry check (expires_at >= locked_until)
);

create index idempotency_keys_expiry on idempotency_keys (expires_at);

-- What an answer tells of: what was made, and whoever is named beside it. Rows of their own, because row-level security
-- keeps an index of arrays from being used.
create table idempotency_resources (
    tenant text not null default current_setting('likeness.tenant', true),
    resource_id uuid not null,
    key_hash bytea not null,
    constraint idempotency_resources_pkey primary key (tenant, resource_id, key_hash),
    constraint idempotency_resources_key_fkey foreign key (tenant, key_hash)
        references idempotency_keys (tenant, key_hash) on delete cascade
);

create index idempotency_resources_key on idempotency_resources (tenant, key_hash);

alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy idempotency_keys_tenant on idempotency_keys
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

-- As for used tokens: a `delete` without a condition reaches the expired rows of every tenant, and no `delete`
-- whatsoever reaches any other.
create policy idempotency_keys_expired on idempotency_keys for delete using (expires_at <= now());
create policy idempotency_keys_kept on idempotency_keys as restrictive for delete using (expires_at <= now());

alter table idempotency_resources enable row level security;
alter table idempotency_resources force row level security;
create policy idempotency_resources_tenant on idempotency_resources
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on idempotency_keys to likeness_service;
grant update (fingerprint, state, holder, locked_until, expires_at, status, location, body)
    on idempotency_keys to likeness_service;
grant select, insert on idempotency_resources to likeness_service;
