-- Whom on the list the face of an imported row was found to be: an array of objects, each with a `subject_id` and the
-- `similarity`, best first. Names and keys are not repeated here, so that whoever is erased is erased.
alter table job_rows
    add column duplicates jsonb,
    add constraint job_rows_duplicates_are_array check (jsonb_typeof(duplicates) = 'array'),
    add constraint job_rows_duplicates_when_over check (duplicates is null or state in ('succeeded', 'failed'));
