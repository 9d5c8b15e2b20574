-- What a list does with a face that it knows already, and lists and people that change.

alter table watchlists
    add column on_duplicate text not null default 'report',
    add constraint watchlists_on_duplicate_known check (on_duplicate in ('report', 'reject', 'add_to_subject'));

-- Column by column: who a row belongs to and when it was made stay as they are. The right to change any column is
-- also what a lock on a row asks for.
grant update (name, kind, target_fpir, on_duplicate) on watchlists to likeness_service;
grant update (external_id, display_name, metadata, valid_until) on subjects to likeness_service;

-- People by the time they were put on a list. The other filters of the list have their indexes (the key, the end of
-- the time) or read a list's people in their order (a part of a name).
create index subjects_created_at on subjects (tenant, watchlist_id, created_at);
