-- The identity checks that were made. `record` is the whole of one: scores and reasons, never an image or a template.
-- The columns beside it are those that lists are filtered by, and the time that a retention rule will go by.

create table verifications (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    decision text not null,
    external_id text,
    record jsonb not null,
    created_at timestamptz not null,
    constraint verifications_pkey primary key (tenant, id),
    constraint verifications_tenant_length check (char_length(tenant) between 1 and 64),
    constraint verifications_decision_known check (decision in ('approved', 'review', 'declined')),
    constraint verifications_external_id_length check (char_length(external_id) between 1 and 128),
    constraint verifications_record_is_object check (jsonb_typeof(record) = 'object')
);

-- The two filters of the list, each in the order of the list (ids are UUIDv7: by time).
create index verifications_external_id on verifications (tenant, external_id, id) where external_id is not null;
create index verifications_decision on verifications (tenant, decision, id);

alter table verifications enable row level security;
alter table verifications force row level security;
create policy verifications_tenant on verifications
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on verifications to likeness_service;
