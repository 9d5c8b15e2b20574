-- What every later table stands on: the vector type, the role that the service works as, and the models.

create extension if not exists vector;

-- The service logs in as whoever owns the database and then works as `likeness_service`, which owns nothing
-- and cannot bypass row-level security. Roles belong to the whole cluster, so another database of the same
-- cluster may be creating it at this very moment: losing that race is success.
do $$
begin
    if not exists (select from pg_roles where rolname = 'likeness_service') then
        begin
            create role likeness_service nologin nosuperuser nocreatedb nocreaterole nobypassrls;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise exception 'the role likeness_service does not exist and % may not create it', current_user
                    using hint = 'As an administrator: create role likeness_service nologin; '
                        || 'grant likeness_service to the user in the database URL.';
        end;
    end if;
    if exists (select from pg_roles where rolname = 'likeness_service' and (rolsuper or rolbypassrls)) then
        raise exception 'the role likeness_service must be neither a superuser nor exempt from row-level security'
            using hint = 'As an administrator: alter role likeness_service nosuperuser nobypassrls.';
    end if;
end
$$;

-- A superuser may take any role. Anybody else needs to be let in, by an administrator or, having created the
-- role above, by themselves.
do $$
begin
    if not pg_has_role(current_user, 'likeness_service', 'set') then
        execute format('grant likeness_service to %I', current_user);
    end if;
exception
    when unique_violation then null; -- Another database of the cluster was quicker.
    when insufficient_privilege then
        raise exception '% may not become likeness_service', current_user
            using hint = 'As an administrator: grant likeness_service to the user in the database URL.';
end
$$;

-- The embedders whose templates are kept. Not a tenant's data, so not under row-level security.
create table models (
    id text not null,
    dimensions integer not null,
    created_at timestamptz not null default now(),
    constraint models_pkey primary key (id),
    -- What a face refers to: a template of another length cannot claim to be of this model.
    constraint models_id_dimensions_unique unique (id, dimensions),
    constraint models_id_length check (char_length(id) between 1 and 200),
    -- 4000 half-precision values are what fits into one page of a table.
    constraint models_dimensions_range check (dimensions between 1 and 4000)
);

grant select, insert on models to likeness_service;
