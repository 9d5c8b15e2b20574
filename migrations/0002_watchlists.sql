-- Watchlists, the people on them and their faces.
--
-- Every table of a tenant follows one pattern:
--   * `tenant` is filled in by the database from the transaction's setting, so no statement can name the wrong one;
--   * row-level security is enabled and forced, so that it also binds the owner of the tables;
--   * keys begin with the tenant and follow the way down (watchlist, subject, face): one index serves the look-up,
--     the list order, the foreign key below it and the filter that the policy adds, and a row cannot refer to
--     another tenant's or another list's parent.
-- The sub-select in a policy makes the planner read the setting once for each statement instead of once a row.
-- Unset or empty, the setting equals no tenant: nothing is visible and nothing can be written.

create table watchlists (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    name text not null,
    kind text not null,
    target_fpir double precision not null,
    created_at timestamptz not null default now(),
    constraint watchlists_pkey primary key (tenant, id),
    constraint watchlists_name_unique unique (tenant, name),
    constraint watchlists_tenant_length check (char_length(tenant) between 1 and 64),
    constraint watchlists_name_length check (char_length(name) between 1 and 200),
    constraint watchlists_kind_known check (kind in ('block', 'alert', 'allow')),
    -- NaN sorts above every number, so it fails the second half.
    constraint watchlists_target_fpir_range check (target_fpir > 0 and target_fpir <= 1)
);

create table subjects (
    tenant text not null default current_setting('likeness.tenant', true),
    watchlist_id uuid not null,
    id uuid not null,
    external_id text,
    display_name text,
    metadata jsonb not null,
    valid_until timestamptz,
    created_at timestamptz not null default now(),
    constraint subjects_pkey primary key (tenant, watchlist_id, id),
    constraint subjects_watchlist_fkey foreign key (tenant, watchlist_id)
        references watchlists (tenant, id) on delete cascade,
    constraint subjects_external_id_unique unique (tenant, watchlist_id, external_id),
    constraint subjects_external_id_length check (char_length(external_id) between 1 and 128),
    constraint subjects_display_name_length check (char_length(display_name) between 1 and 200),
    constraint subjects_metadata_is_object check (jsonb_typeof(metadata) = 'object')
);

-- A search leaves out the faces of the few subjects whose time is over; this finds them without reading the rest.
create index subjects_expiry on subjects (tenant, watchlist_id, valid_until) where valid_until is not null;

-- The row that a search reads: narrow, and never updated. What may change stands in `subjects`.
create table faces (
    tenant text not null default current_setting('likeness.tenant', true),
    watchlist_id uuid not null,
    subject_id uuid not null,
    id uuid not null,
    created_at timestamptz not null default now(),
    model_id text not null,
    -- Derived, so it cannot disagree with the vector.
    dimensions integer not null generated always as (vector_dims(template)) stored,
    template halfvec not null,
    -- Carries the model, so that the gallery is counted from the index alone.
    constraint faces_pkey primary key (tenant, watchlist_id, subject_id, id) include (model_id),
    constraint faces_subject_fkey foreign key (tenant, watchlist_id, subject_id)
        references subjects (tenant, watchlist_id, id) on delete cascade,
    -- The service may not delete or change a model, so the referring side needs no index.
    constraint faces_model_fkey foreign key (model_id, dimensions) references models (id, dimensions),
    -- Half precision moves the length of a unit vector by less than 0.001. A zero vector has length 0; NaN, which
    -- the type refuses by itself, would fail here too.
    constraint faces_template_unit_length check (abs(l2_norm(template) - 1) <= 0.01)
);

-- Inside the row and uncompressed: a search reads every template, and embeddings do not compress.
alter table faces alter column template set storage plain;

-- There is no vector index on purpose: an approximate index that misses a true match is worse here than a scan
-- that reads all of a list. Exactness is the contract.

alter table watchlists enable row level security;
alter table watchlists force row level security;
create policy watchlists_tenant on watchlists
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table subjects enable row level security;
alter table subjects force row level security;
create policy subjects_tenant on subjects
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table faces enable row level security;
alter table faces force row level security;
create policy faces_tenant on faces
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on watchlists, subjects, faces to likeness_service;
