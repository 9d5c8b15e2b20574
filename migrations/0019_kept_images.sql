-- Pictures of enrolled faces, of the lists that keep them: so that a list can be moved to another model later.

alter table watchlists add column keep_images boolean not null default false;
grant update (keep_images) on watchlists to likeness_service;

-- Ciphertext alone (AES-256-GCM): the key is in the service's configuration, and `key_id` tells which. The tenant and the
-- three ids are authenticated with it, so a row that is moved to another face does not open.
create table face_images (
    tenant text not null default current_setting('likeness.tenant', true),
    watchlist_id uuid not null,
    subject_id uuid not null,
    face_id uuid not null,
    key_id text not null,
    nonce bytea not null,
    -- As it was sent, and the tag behind it.
    image bytea not null,
    created_at timestamptz not null default now(),
    constraint face_images_pkey primary key (tenant, watchlist_id, subject_id, face_id),
    -- Of the person and not of the face: for a key of faces to refer to, every face of every list would pay with a second
    -- index (see 0011). Who removes a face removes its picture in the same statement.
    constraint face_images_subject_fkey foreign key (tenant, watchlist_id, subject_id)
        references subjects (tenant, watchlist_id, id) on delete cascade,
    constraint face_images_key_id_length check (char_length(key_id) = 8),
    constraint face_images_nonce_length check (octet_length(nonce) = 12),
    constraint face_images_image_length check (octet_length(image) > 16)
);

-- Outside the row, so that who asks whether there is a picture does not read it; and ciphertext does not compress.
alter table face_images alter column image set storage external;

-- Finds what is under a key that has been replaced.
create index face_images_key on face_images (tenant, key_id, face_id);

alter table face_images enable row level security;
alter table face_images force row level security;
create policy face_images_tenant on face_images
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on face_images to likeness_service;
-- Of a picture that is encrypted anew.
grant update (key_id, nonce, image) on face_images to likeness_service;
