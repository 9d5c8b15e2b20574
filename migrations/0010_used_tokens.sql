-- Tokens that are good for one request and have been used. Every replica asks here, so a second use is noticed
-- wherever it arrives. A token that has expired is refused for its age, so its trace may go.

create table used_tokens (
    tenant text not null default current_setting('likeness.tenant', true),
    -- SHA-256 of the token's `jti`: of one length, and whatever issuers write into it is not kept.
    token_hash bytea not null,
    expires_at timestamptz not null,
    constraint used_tokens_pkey primary key (tenant, token_hash),
    constraint used_tokens_tenant_length check (char_length(tenant) between 1 and 64),
    constraint used_tokens_hash_length check (octet_length(token_hash) = 32)
);

create index used_tokens_expiry on used_tokens (expires_at);

alter table used_tokens enable row level security;
alter table used_tokens force row level security;
create policy used_tokens_tenant on used_tokens
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

-- Expired traces are removed for all tenants at once, by a `delete` without a condition: the policies are the
-- condition. The first lets it reach every tenant's expired rows. The second keeps all others from any `delete`
-- whatsoever, since a trace that is removed early lets its token in again. The hour is for clocks that differ.
create policy used_tokens_expired on used_tokens for delete
    using (expires_at < now() - interval '1 hour');
create policy used_tokens_kept on used_tokens as restrictive for delete
    using (expires_at < now() - interval '1 hour');

grant select, insert, delete on used_tokens to likeness_service;
