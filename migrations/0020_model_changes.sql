-- Another embedder for a list, without a stop.
--
-- A face has one row in `faces`, of the model that its list is in. While a change of the model is open, the other
-- model's templates stand in `spare_templates`: before the switch those of the new model, after it those of the old one,
-- so that the way back stays open. The switch exchanges the two in one transaction. Templates of two models are never
-- compared.

alter table watchlists
    -- The model that the list is in, once it was changed. Null stands for that of its faces, and for the service's own
    -- while there are none. A plain id, without the key of a form.
    add column model_id text,
    add constraint watchlists_model_id_length check (char_length(model_id) between 1 and 200);
grant update (model_id) on watchlists to likeness_service;

-- What a job works on: pictures that came with it, pictures of the faces of a list, or the templates of a list, which are
-- rewritten under another key. Nobody claims one of the last kind: it tells of what the sweeper does.
alter table jobs
    add column kind text not null default 'import',
    add constraint jobs_kind_known check (kind in ('import', 'model_change', 'rekey'));

-- A face that gets another template, or the same one in another form, stays the row that it is.
grant update (model_id, revision, template) on faces to likeness_service;

create table spare_templates (
    watchlist_id uuid not null,
    subject_id uuid not null,
    face_id uuid not null,
    -- Derived, so it cannot disagree with the vector.
    dimensions integer not null generated always as (vector_dims(template)) stored,
    template halfvec not null,
    tenant text not null default current_setting('likeness.tenant', true),
    model_id text not null,
    -- Carries the model, so that what is kept in another form than it should be is found without reading a template. It
    -- is the only index on purpose: whatever the planner believes to know of the table, a template is looked up by it.
    constraint spare_templates_pkey primary key (tenant, watchlist_id, subject_id, face_id) include (model_id),
    -- Of the person and not of the face: for a key of faces to refer to, every face of every list would pay with a second
    -- index (see 0011). Who removes a face removes its spare template in the same statement.
    constraint spare_templates_subject_fkey foreign key (tenant, watchlist_id, subject_id)
        references subjects (tenant, watchlist_id, id) on delete cascade,
    -- The service may not delete or change a model, so the referring side needs no index.
    constraint spare_templates_model_fkey foreign key (model_id, dimensions) references models (id, dimensions),
    -- As of `faces`.
    constraint spare_templates_unit_length check (abs(l2_norm(template) - 1) <= 0.01)
);
alter table spare_templates alter column template set storage plain;

create table model_changes (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    watchlist_id uuid not null,
    -- What fills the list; jobs are not kept for ever.
    job_id uuid,
    -- Plain ids, without the key of a form. Null where the list was empty and had never been changed.
    from_model text,
    to_model text not null,
    state text not null,
    switch_mode text not null,
    -- Searches that were made with both models, and those of them that answered alike.
    searches bigint not null default 0,
    agreed bigint not null default 0,
    created_by text not null,
    request_id text not null,
    created_at timestamptz not null default now(),
    switched_at timestamptz,
    ended_at timestamptz,
    constraint model_changes_pkey primary key (tenant, id),
    constraint model_changes_watchlist_fkey foreign key (tenant, watchlist_id)
        references watchlists (tenant, id) on delete cascade,
    constraint model_changes_job_fkey foreign key (tenant, job_id)
        references jobs (tenant, id) on delete set null (job_id),
    constraint model_changes_state_known check (
        state in ('filling', 'ready', 'switched', 'finished', 'rolled_back', 'cancelled')
    ),
    constraint model_changes_switch_mode_known check (switch_mode in ('automatic', 'manual')),
    constraint model_changes_other_model check (from_model <> to_model),
    -- Only a list without faces may be without a model, and it is changed at once.
    constraint model_changes_from_a_model check (from_model is not null or state = 'finished'),
    constraint model_changes_counts check (agreed between 0 and searches),
    constraint model_changes_switched check (state not in ('switched', 'finished') or switched_at is not null),
    constraint model_changes_ended check ((ended_at is not null) = (state in ('finished', 'rolled_back', 'cancelled')))
);

create unique index model_changes_open on model_changes (tenant, watchlist_id)
    where state in ('filling', 'ready', 'switched');
create index model_changes_watchlist on model_changes (tenant, watchlist_id, id);
create index model_changes_job on model_changes (tenant, job_id) where job_id is not null;

alter table spare_templates enable row level security;
alter table spare_templates force row level security;
create policy spare_templates_tenant on spare_templates
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table model_changes enable row level security;
alter table model_changes force row level security;
create policy model_changes_tenant on model_changes
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on spare_templates to likeness_service;
grant update (model_id, template) on spare_templates to likeness_service;
grant select, insert on model_changes to likeness_service;
grant update (job_id, state, switch_mode, searches, agreed, switched_at, ended_at) on model_changes to likeness_service;
