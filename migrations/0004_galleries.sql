-- Galleries: what makes a search of a large list both fast and complete.
--
-- A gallery is the faces of one list that one model made. Its `revision` moves in the very transaction that changes
-- it, and the row stays locked until that transaction ends; so revisions are committed in their order, without gaps,
-- and whoever has seen revision R has seen every change up to R. Each new face takes one revision, which is its
-- number in the gallery for good. That makes `revision > R` everything that somebody who stopped at R has missed:
-- a process that keeps codes of the faces in memory catches up by it, and a search compares by it exactly what its
-- process has not taken in yet.
create table galleries (
    tenant text not null default current_setting('likeness.tenant', true),
    watchlist_id uuid not null,
    model_id text not null,
    revision bigint not null,
    faces bigint not null,
    constraint galleries_pkey primary key (tenant, watchlist_id, model_id),
    constraint galleries_watchlist_fkey foreign key (tenant, watchlist_id)
        references watchlists (tenant, id) on delete cascade,
    constraint galleries_model_fkey foreign key (model_id) references models (id),
    constraint galleries_counts check (faces >= 0 and revision >= faces)
);

-- What happened to faces after their enrolment: taken away, or given another end of their time. Kept for as many
-- revisions as a process may be behind before it reads the gallery anew.
create table gallery_changes (
    tenant text not null default current_setting('likeness.tenant', true),
    watchlist_id uuid not null,
    model_id text not null,
    revision bigint not null,
    face_revision bigint not null,
    removed boolean not null,
    valid_until timestamptz,
    constraint gallery_changes_pkey primary key (tenant, watchlist_id, model_id, revision, face_revision),
    constraint gallery_changes_gallery_fkey foreign key (tenant, watchlist_id, model_id)
        references galleries (tenant, watchlist_id, model_id) on delete cascade
);

-- Row-level security binds the owner too, who runs this and has no tenant: lifted for the two statements that read
-- what is there, within this transaction.
alter table faces no force row level security;
alter table galleries no force row level security;

alter table faces add column revision bigint;
update faces
set revision = numbered.revision
from (
    select tenant, watchlist_id, subject_id, id,
        row_number() over (partition by tenant, watchlist_id, model_id order by id) as revision
    from faces
) as numbered
where (faces.tenant, faces.watchlist_id, faces.subject_id, faces.id)
    = (numbered.tenant, numbered.watchlist_id, numbered.subject_id, numbered.id);
insert into galleries (tenant, watchlist_id, model_id, revision, faces)
select tenant, watchlist_id, model_id, max(revision), count(*) from faces group by tenant, watchlist_id, model_id;

alter table faces force row level security;

-- A search walks a gallery, or some of it, by revision; everything else goes by subject.
alter table faces
    alter column revision set not null,
    drop constraint faces_pkey,
    add constraint faces_pkey primary key (tenant, watchlist_id, model_id, revision),
    add constraint faces_subject_unique unique (tenant, watchlist_id, subject_id, id),
    add constraint faces_gallery_fkey foreign key (tenant, watchlist_id, model_id)
        references galleries (tenant, watchlist_id, model_id) on delete cascade;

alter table galleries enable row level security;
alter table galleries force row level security;
create policy galleries_tenant on galleries
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table gallery_changes enable row level security;
alter table gallery_changes force row level security;
create policy gallery_changes_tenant on gallery_changes
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert on galleries, gallery_changes to likeness_service;
grant update (revision, faces) on galleries to likeness_service;
grant delete on gallery_changes to likeness_service;
-- A list's row is what its changes are made one after the other by, and locking a row takes the right to update it.
grant update (name, kind, target_fpir) on watchlists to likeness_service;
