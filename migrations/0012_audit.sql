-- The audit log: who did what, to which record, by which rules and with what outcome. Never a face, a template, a
-- token, a name, metadata, a file name or a caller's key.
--
-- The events of a tenant are a chain. They are numbered from 1 without gaps, each holds the hash of the one before,
-- and its own hash is made of all of its columns. How, so that anybody can recompute it, stands in
-- `src/store/audit/chain.rs`.
create table audit_events (
    tenant text not null default current_setting('likeness.tenant', true),
    sequence bigint not null,
    created_at timestamptz not null,
    action text not null,
    -- Who did it: the `sub` of the token.
    subject text not null,
    request_id text not null,
    resource_id uuid,
    -- JSON as it was hashed: `jsonb` would spell numbers and order members in its own way.
    detail text not null,
    previous_hash bytea not null,
    hash bytea not null,
    -- Two writers cannot both follow the same event.
    constraint audit_events_pkey primary key (tenant, sequence),
    constraint audit_events_tenant_length check (char_length(tenant) between 1 and 64),
    constraint audit_events_sequence_positive check (sequence > 0),
    constraint audit_events_action_form check (action ~ '^[a-z_]+[.][a-z_]+$'),
    constraint audit_events_detail_is_object check (detail is json object),
    constraint audit_events_hash_length check (octet_length(previous_hash) = 32 and octet_length(hash) = 32)
);

-- The filters of the list, each in the order of the list.
create index audit_events_action on audit_events (tenant, action, sequence);
create index audit_events_subject on audit_events (tenant, subject, sequence);
create index audit_events_resource on audit_events (tenant, resource_id, sequence) where resource_id is not null;
create index audit_events_created_at on audit_events (tenant, created_at);

-- The newest event of each tenant. Whoever appends locks this row, as the last thing before the commit, and so follows
-- whoever did so before; and an event that is taken off the end of the chain is missed.
create table audit_heads (
    tenant text not null default current_setting('likeness.tenant', true),
    sequence bigint not null,
    hash bytea not null,
    constraint audit_heads_pkey primary key (tenant),
    constraint audit_heads_tenant_length check (char_length(tenant) between 1 and 64),
    constraint audit_heads_sequence_range check (sequence >= 0),
    constraint audit_heads_hash_length check (octet_length(hash) = 32)
);

-- What the grants below keep the service from, these keep everybody from who does not take them away first, the owner
-- included, and also while a session plays the part of a replica.
create function audit_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;

create function audit_refuse_way_back() returns trigger language plpgsql as $$
begin
    if new.tenant <> old.tenant or new.sequence <= old.sequence then
        raise exception 'the audit log only grows: its head does not go back'
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger audit_events_append_only before update or delete or truncate on audit_events
    for each statement execute function audit_refuse_change();
create trigger audit_heads_stay before delete or truncate on audit_heads
    for each statement execute function audit_refuse_change();
create trigger audit_heads_advance before update on audit_heads
    for each row execute function audit_refuse_way_back();
alter table audit_events enable always trigger audit_events_append_only;
alter table audit_heads enable always trigger audit_heads_stay;
alter table audit_heads enable always trigger audit_heads_advance;

alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy audit_events_tenant on audit_events
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table audit_heads enable row level security;
alter table audit_heads force row level security;
create policy audit_heads_tenant on audit_heads
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

-- Whoever owns the database verifies the chains of all tenants, and reads them for that. The service works as
-- another role, which this opens nothing to.
do $$
begin
    execute format('create policy audit_events_owner on audit_events for select to %I using (true)', current_user);
    execute format('create policy audit_heads_owner on audit_heads for select to %I using (true)', current_user);
end
$$;

grant select, insert on audit_events to likeness_service;
grant select, insert on audit_heads to likeness_service;
grant update (sequence, hash) on audit_heads to likeness_service;

-- What a job enrols is the doing of whoever made it, in the request that made it.
alter table jobs
    add column created_by text not null default 'unknown',
    add column request_id text not null default 'unknown';
-- The default was for the jobs that are there.
alter table jobs alter column created_by drop default, alter column request_id drop default;
