-- Bulk imports: durable jobs whose rows, pictures included, are worked off by whichever process is there.
--
-- A job is visible to callers once all of its rows are stored. Until then its state is `receiving`, and a process that
-- dies in the middle leaves something behind that the queue below gives to somebody who removes it.
create table jobs (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    watchlist_id uuid not null,
    state text not null,
    total bigint not null default 0,
    -- Rows that are over, refused ones included.
    done bigint not null default 0,
    failed bigint not null default 0,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint jobs_pkey primary key (tenant, id),
    -- A list that is deleted takes its jobs with it: their rows name the people who were to be on it.
    constraint jobs_watchlist_fkey foreign key (tenant, watchlist_id)
        references watchlists (tenant, id) on delete cascade,
    constraint jobs_state_known check (
        state in ('receiving', 'queued', 'running', 'succeeded', 'cancelled', 'failed')
    ),
    constraint jobs_counts check (failed >= 0 and done >= failed and total >= done),
    constraint jobs_finished check ((finished_at is not null) = (state in ('succeeded', 'cancelled', 'failed')))
);

create index jobs_watchlist on jobs (tenant, watchlist_id);

-- One picture of one person each. What a row holds of a person goes in the transaction that finishes it: the picture
-- and the details are then null, and the face is enrolled. The checks hold every writer to that.
create table job_rows (
    tenant text not null default current_setting('likeness.tenant', true),
    job_id uuid not null,
    number bigint not null,
    line bigint,
    file text,
    external_id text,
    display_name text,
    metadata jsonb,
    valid_until timestamptz,
    image bytea,
    state text not null,
    -- How often a worker was lost over the picture or gave up on it.
    attempts smallint not null default 0,
    subject_id uuid,
    face_id uuid,
    error_code text,
    error_message text,
    constraint job_rows_pkey primary key (tenant, job_id, number),
    constraint job_rows_job_fkey foreign key (tenant, job_id) references jobs (tenant, id) on delete cascade,
    constraint job_rows_state_known check (state in ('pending', 'succeeded', 'failed', 'cancelled')),
    constraint job_rows_picture_while_pending check ((image is not null) = (state = 'pending')),
    constraint job_rows_details_while_pending check (
        state = 'pending' or (display_name is null and metadata is null and valid_until is null)
    ),
    constraint job_rows_face_when_succeeded check (
        (face_id is not null) = (state = 'succeeded') and (subject_id is not null) = (state = 'succeeded')
    ),
    constraint job_rows_error_when_failed check (
        (error_code is not null) = (state = 'failed') and (error_message is not null) = (state = 'failed')
    ),
    constraint job_rows_external_id_length check (char_length(external_id) between 1 and 128),
    constraint job_rows_file_length check (char_length(file) <= 512)
);

-- Pictures do not compress, and are read whole.
alter table job_rows alter column image set storage external;

-- What is still to do, and the filter of the list.
create index job_rows_state on job_rows (tenant, job_id, state, number);

-- Who works on what. Row-level security would hide a job from a process that does not know its tenant, and a process
-- that looks for work cannot know it; so this table stands outside, and holds nothing but names: the tenant, the job,
-- and the lease. The rest of a job is read as its tenant, like everything else.
create table job_queue (
    tenant text not null default current_setting('likeness.tenant', true),
    job_id uuid not null,
    -- The process that works on it. Still there when the lease is over: it died or hangs.
    holder uuid,
    leased_until timestamptz not null default '-infinity',
    -- Jobs take turns, so that a large one does not stand in the way of a small one.
    turn timestamptz not null default now(),
    -- Times in a row that a holder died without having finished a single row.
    strikes integer not null default 0,
    constraint job_queue_pkey primary key (tenant, job_id),
    constraint job_queue_job_fkey foreign key (tenant, job_id) references jobs (tenant, id) on delete cascade
);

create index job_queue_turn on job_queue (turn);

alter table jobs enable row level security;
alter table jobs force row level security;
create policy jobs_tenant on jobs
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table job_rows enable row level security;
alter table job_rows force row level security;
create policy job_rows_tenant on job_rows
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, update, delete on jobs, job_rows, job_queue to likeness_service;
