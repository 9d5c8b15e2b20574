//! The job that fills a list with templates of another model.

use std::time::Duration;

use likeness::domain::job::{JobKind, JobState};
use likeness::store::{Duty, Holder};

use super::Changing;
use crate::fixture::actor;

#[tokio::test]
async fn a_change_has_a_job_of_its_own_which_is_over_without_rows() {
    let changing = Changing::begun(2).await;
    let job_id = changing.change().await.job_id.unwrap();
    let store = &changing.fixture.store;
    let holder = Holder::new();
    let claim = store.claim_job(holder, Duration::from_secs(60)).await;
    assert_eq!(claim.unwrap().unwrap().job, job_id);
    let mut transaction = changing.begin().await;
    let job = transaction.find_job(job_id).await.unwrap().unwrap();
    assert_eq!(
        (job.kind, job.state, job.total),
        (JobKind::ModelChange, JobState::Queued, 2)
    );
    let duty = transaction.begin_job(job_id).await.unwrap();
    assert_eq!(duty, Some(Duty::ChangeModel(changing.list, actor("acme"))));
    assert!(transaction.set_job_counts(job_id, 3, 2, 1).await.unwrap());
    assert!(transaction.complete_job(job_id).await.unwrap());
    assert!(!transaction.set_job_counts(job_id, 3, 3, 1).await.unwrap());
    let job = transaction.find_job(job_id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.total, job.done, job.failed),
        (JobState::Succeeded, 3, 2, 1)
    );
    assert_eq!(
        transaction.begin_job(job_id).await.unwrap(),
        Some(Duty::Clear)
    );
    transaction.commit().await.unwrap();

    // Asked for again, it goes on with a job that is not over.
    let again = changing.start().await;
    let second = again.job_id.unwrap();
    assert_ne!(second, job_id);
    assert_eq!(changing.start().await.job_id, Some(second));
    let mut transaction = changing.begin().await;
    transaction.delete_job(second).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(changing.change().await.job_id, None);
    assert!(changing.start().await.job_id.is_some());
}
