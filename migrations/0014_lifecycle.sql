-- How long records are kept, on what consent they rest, and how a person is erased.

-- What a tenant has chosen. Null stands for the default that the service is configured with; of people whose time is
-- over it stands for keeping them.
create table retention (
    tenant text not null default current_setting('likeness.tenant', true),
    verification_days integer,
    job_days integer,
    purge_expired_subjects_after_days integer,
    changed_at timestamptz not null default now(),
    constraint retention_pkey primary key (tenant),
    constraint retention_tenant_length check (char_length(tenant) between 1 and 64),
    constraint retention_verification_days_range check (verification_days between 1 and 36500),
    constraint retention_job_days_range check (job_days between 1 and 36500),
    constraint retention_purge_range check (purge_expired_subjects_after_days between 0 and 36500)
);

alter table retention enable row level security;
alter table retention force row level security;
create policy retention_tenant on retention
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert on retention to likeness_service;
grant update (verification_days, job_days, purge_expired_subjects_after_days, changed_at) on retention
    to likeness_service;

-- Whose turn it is to be swept. Row-level security would hide a tenant from whoever looks for one, as with the queue of
-- jobs; so this table stands outside and holds nothing but names and times. What is due is then found and deleted as
-- the tenant, like everything else: no statement reaches into two tenants, and no role is exempt from the policies.
create table retention_turns (
    tenant text not null,
    swept_at timestamptz not null default '-infinity',
    constraint retention_turns_pkey primary key (tenant)
);

create index retention_turns_swept_at on retention_turns (swept_at);

grant select, insert, update (swept_at) on retention_turns to likeness_service;

-- Everybody who has something that may become due gets turns, whichever statement brought it.
create function note_tenant() returns trigger language plpgsql as $$
begin
    insert into retention_turns (tenant) select distinct tenant from inserted on conflict do nothing;
    return null;
end
$$;

create trigger verifications_note_tenant after insert on verifications
    referencing new table as inserted for each statement execute function note_tenant();
create trigger watchlists_note_tenant after insert on watchlists
    referencing new table as inserted for each statement execute function note_tenant();

-- The instant that was promised when the record was made. A tenant's shorter setting of later comes on top.
alter table verifications add column delete_after timestamptz;
create index verifications_delete_after on verifications (tenant, delete_after) where delete_after is not null;
create index verifications_created_at on verifications (tenant, created_at);
alter table jobs add column delete_after timestamptz;

-- Whom verifications found on lists, as they were known then: their names stand in `record`, and go when the person is
-- erased. Equality of these columns may use an index under row-level security, which a look into `record` may not.
create table verification_hits (
    tenant text not null default current_setting('likeness.tenant', true),
    verification_id uuid not null,
    subject_id uuid not null,
    external_id text,
    constraint verification_hits_pkey primary key (tenant, verification_id, subject_id),
    constraint verification_hits_verification_fkey foreign key (tenant, verification_id)
        references verifications (tenant, id) on delete cascade
);

create index verification_hits_subject on verification_hits (tenant, subject_id);
create index verification_hits_external_id on verification_hits (tenant, external_id) where external_id is not null;

alter table verification_hits enable row level security;
alter table verification_hits force row level security;
create policy verification_hits_tenant on verification_hits
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on verification_hits to likeness_service;
-- Names are taken out of the record; the service may replace a record as a whole anyway, by delete and insert.
grant update (record) on verifications to likeness_service;

-- On what a person agreed to: a reference, never the agreement itself.
alter table subjects
    add column consent jsonb,
    add constraint subjects_consent_is_object check (jsonb_typeof(consent) = 'object');
grant update (consent) on subjects to likeness_service;

alter table job_rows
    add column consent jsonb,
    add constraint job_rows_consent_while_pending check (state = 'pending' or consent is null);

-- A person's rows, by their key, and by the subject that a row made and that may have another key since.
create index job_rows_external_id on job_rows (tenant, external_id) where external_id is not null;
create index job_rows_subject on job_rows (tenant, subject_id) where subject_id is not null;

-- What was erased, without a word of whom: `commitment` is a hash of a random key, the tenant and the person's key, and
-- the random key is with the caller alone. The service may neither change nor remove a receipt.
create table erasures (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    requested_by text not null,
    reason text,
    commitment bytea not null,
    subjects bigint not null,
    faces bigint not null,
    verifications bigint not null,
    hits bigint not null,
    job_rows bigint not null,
    stored_answers bigint not null,
    created_at timestamptz not null default now(),
    constraint erasures_pkey primary key (tenant, id),
    constraint erasures_tenant_length check (char_length(tenant) between 1 and 64),
    constraint erasures_reason_length check (char_length(reason) between 1 and 200),
    constraint erasures_commitment_length check (octet_length(commitment) = 32)
);

alter table erasures enable row level security;
alter table erasures force row level security;
create policy erasures_tenant on erasures
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert on erasures to likeness_service;

-- What is there already. Row-level security binds the owner too, who runs this and has no tenant: lifted for the
-- statements that read it, within this transaction.
alter table watchlists no force row level security;
alter table verifications no force row level security;
alter table verification_hits no force row level security;

insert into retention_turns (tenant) select tenant from verifications union select tenant from watchlists;

insert into verification_hits (tenant, verification_id, subject_id, external_id)
select verifications.tenant, verifications.id, (hit ->> 'subject_id')::uuid, hit ->> 'external_id'
from verifications,
    jsonb_path_query(record, '$.assessment.watchlist.searched[*].hits[*]') as hit
on conflict do nothing;

alter table watchlists force row level security;
alter table verifications force row level security;
alter table verification_hits force row level security;
