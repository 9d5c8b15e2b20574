-- Sessions in which a person follows a challenge before the camera, and the marks of the pictures that came.
--
-- A session is open for three minutes and used once. The template of the frontal picture and the best picture are
-- personal: they are there only while the session may still need them, and the sweeper takes away what nobody came for.

create table liveness_sessions (
    tenant text not null default current_setting('likeness.tenant', true),
    id uuid not null,
    -- SHA-256: the nonce itself is with the caller alone.
    nonce_hash bytea not null,
    -- How far it has come: measures, neither a picture nor a template.
    progress jsonb not null,
    state text not null generated always as (progress ->> 'state') stored,
    model_id text,
    template real[],
    best_frame bytea,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint liveness_sessions_pkey primary key (tenant, id),
    constraint liveness_sessions_tenant_length check (char_length(tenant) between 1 and 64),
    constraint liveness_sessions_nonce_hash_length check (octet_length(nonce_hash) = 32),
    constraint liveness_sessions_state_known check (state in ('open', 'passed', 'failed', 'expired', 'used')),
    constraint liveness_sessions_template_of_a_model check ((template is null) = (model_id is null)),
    -- The template is of use until the last picture, the best picture until the verification.
    constraint liveness_sessions_template_while_open check (state = 'open' or template is null),
    constraint liveness_sessions_best_frame_while_needed check (state in ('open', 'passed') or best_frame is null)
);

create index liveness_sessions_expires_at on liveness_sessions (tenant, expires_at);
-- Encoded pictures do not compress.
alter table liveness_sessions alter column best_frame set storage external;

-- What is known again of a picture: the SHA-256 of its bytes, for as long as its session is kept, and while that is open a
-- thumbnail of 16 x 16 grey values and the places of the points of the face.
create table liveness_frames (
    tenant text not null default current_setting('likeness.tenant', true),
    session_id uuid not null,
    number integer not null,
    bytes_hash bytea not null,
    signature bytea not null,
    -- Angles of the head, and where eyes, nose and mouth are.
    face real[],
    constraint liveness_frames_pkey primary key (tenant, session_id, number),
    constraint liveness_frames_session_fkey foreign key (tenant, session_id)
        references liveness_sessions (tenant, id) on delete cascade,
    constraint liveness_frames_bytes_hash_length check (octet_length(bytes_hash) = 32),
    constraint liveness_frames_signature_length check (octet_length(signature) in (0, 256)),
    constraint liveness_frames_face_length check (cardinality(face) = 13)
);

create index liveness_frames_bytes_hash on liveness_frames (tenant, bytes_hash);

alter table liveness_sessions enable row level security;
alter table liveness_sessions force row level security;
create policy liveness_sessions_tenant on liveness_sessions
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

alter table liveness_frames enable row level security;
alter table liveness_frames force row level security;
create policy liveness_frames_tenant on liveness_frames
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert, delete on liveness_sessions, liveness_frames to likeness_service;
grant update (progress, model_id, template, best_frame, expires_at) on liveness_sessions to likeness_service;
grant update (signature, face) on liveness_frames to likeness_service;

create trigger liveness_sessions_note_tenant after insert on liveness_sessions
    referencing new table as inserted for each statement execute function note_tenant();
