-- What people decided about verifications. The record of the machine stays as it was; a correction is a further review,
-- numbered in their order, and what it corrects stays too: the service may neither change nor remove a review, which
-- goes with its verification alone.
create table verification_reviews (
    tenant text not null default current_setting('likeness.tenant', true),
    verification_id uuid not null,
    number integer not null,
    reviewer text not null,
    decision text not null,
    note text,
    created_at timestamptz not null default now(),
    -- Of two who review at once the second is refused by this key.
    constraint verification_reviews_pkey primary key (tenant, verification_id, number),
    constraint verification_reviews_verification_fkey foreign key (tenant, verification_id)
        references verifications (tenant, id) on delete cascade,
    constraint verification_reviews_number_range check (number between 1 and 1000),
    constraint verification_reviews_decision_known check (decision in ('approved', 'declined')),
    constraint verification_reviews_note_length check (char_length(note) between 1 and 2000)
);

alter table verification_reviews enable row level security;
alter table verification_reviews force row level security;
create policy verification_reviews_tenant on verification_reviews
    using (tenant = (select current_setting('likeness.tenant', true)))
    with check (tenant = (select current_setting('likeness.tenant', true)));

grant select, insert on verification_reviews to likeness_service;
