use std::num::NonZeroU32;

use super::*;

fn caller(tenant: &str, subject: &str) -> Caller {
    Caller {
        tenant: TenantId::parse(tenant).unwrap(),
        subject: subject.to_owned(),
    }
}

fn allowance(requests: u64, bytes: u64, searches: u64, concurrency: u32) -> Allowance {
    Allowance {
        requests_per_minute: NonZeroU64::new(requests),
        bytes_per_minute: NonZeroU64::new(bytes),
        searches_per_minute: NonZeroU64::new(searches),
        concurrency: NonZeroU32::new(concurrency),
    }
}

fn refused(throttle: &Throttle, caller: &Caller, now: Instant) -> Option<Exhausted> {
    throttle.admit(caller.clone(), 0, now).err()
}

#[test]
fn each_subject_of_each_tenant_has_a_budget_of_its_own() {
    let throttle = Throttle::new(allowance(1, 0, 0, 0));
    let now = Instant::now();
    let ada = caller("acme", "ada");
    assert_eq!(refused(&throttle, &ada, now), None);
    let exhausted = refused(&throttle, &ada, now).unwrap();
    assert_eq!(exhausted.budget, Budget::Requests);
    assert_eq!(exhausted.retry_after, Duration::from_secs(60));
    assert_eq!(refused(&throttle, &caller("acme", "bob"), now), None);
    assert_eq!(refused(&throttle, &caller("other", "ada"), now), None);
    let later = now + Duration::from_secs(60);
    assert_eq!(refused(&throttle, &ada, later), None);
}

#[test]
fn requests_under_way_are_counted_until_they_are_over() {
    let throttle = Throttle::new(allowance(0, 0, 0, 2));
    let (now, ada) = (Instant::now(), caller("acme", "ada"));
    let first = throttle.admit(ada.clone(), 0, now).unwrap();
    let second = throttle.admit(ada.clone(), 0, now).unwrap();
    let exhausted = refused(&throttle, &ada, now).unwrap();
    assert_eq!(exhausted.budget, Budget::Concurrency);
    drop(first);
    assert_eq!(refused(&throttle, &ada, now), None);
    drop(second);
    assert_eq!(throttle.balances(&ada, now)[0].standing.remaining, 2);
}

#[test]
fn a_body_is_paid_for_as_declared_and_in_the_end_as_received() {
    let throttle = Throttle::new(allowance(0, 1000, 0, 0));
    let (now, ada) = (Instant::now(), caller("acme", "ada"));
    let left = || throttle.balances(&ada, now)[0].standing.remaining;
    let declared = throttle.admit(ada.clone(), 900, now).unwrap();
    assert_eq!(left(), 100);
    declared.received().add(300);
    drop(declared);
    assert!((700..=701).contains(&left()), "{}", left());
    let chunked = throttle.admit(ada.clone(), 0, now).unwrap();
    chunked.received().add(5000);
    drop(chunked);
    let exhausted = refused(&throttle, &ada, now).unwrap();
    assert_eq!(exhausted.budget, Budget::Bytes);
    assert!(exhausted.retry_after > Duration::from_secs(250));
}

#[test]
fn searches_have_a_budget_beside_that_of_requests() {
    let throttle = Throttle::new(allowance(100, 0, 2, 0));
    let (now, ada) = (Instant::now(), caller("acme", "ada"));
    assert_eq!(throttle.search(&ada, now), Ok(()));
    assert_eq!(throttle.search(&ada, now), Ok(()));
    let exhausted = throttle.search(&ada, now).unwrap_err();
    assert_eq!(exhausted.budget, Budget::Searches);
    assert_eq!(exhausted.retry_after, Duration::from_secs(30));
    assert_eq!(refused(&throttle, &ada, now), None);
}

#[test]
fn what_is_refused_costs_nothing() {
    let throttle = Throttle::new(allowance(10, 1, 0, 0));
    let (now, ada) = (Instant::now(), caller("acme", "ada"));
    let large = throttle.admit(ada.clone(), 100, now).unwrap();
    large.received().add(100);
    drop(large);
    for _ in 0..20 {
        assert_eq!(refused(&throttle, &ada, now).unwrap().budget, Budget::Bytes);
    }
    assert_eq!(throttle.balances(&ada, now)[0].standing.remaining, 9);
}

#[test]
fn without_bounds_nobody_is_refused_and_nothing_is_told() {
    let throttle = Throttle::new(Allowance::default());
    let (now, ada) = (Instant::now(), caller("acme", "ada"));
    for _ in 0..1000 {
        assert_eq!(refused(&throttle, &ada, now), None);
        assert_eq!(throttle.search(&ada, now), Ok(()));
    }
    assert_eq!(throttle.balances(&ada, now), []);
}

#[test]
fn there_are_never_more_accounts_than_there_is_room_for() {
    let sixty = NonZeroU64::new(60).unwrap();
    let allowance = allowance(60, 0, 0, 0);
    let mut accounts = Accounts::new(80);
    let now = Instant::now();
    let busy = caller("acme", "busy");
    for number in 0..1000 {
        for subject in [&busy, &caller("acme", &number.to_string())] {
            let account = accounts.of(subject, &allowance, now);
            account.requests.draw(sixty, now, 1);
        }
        assert!(accounts.len() <= 80);
    }
    // Who was there all along is not forgotten for the sake of those who came once.
    let left = accounts.of(&busy, &allowance, now).requests;
    assert_eq!(left.standing(sixty, now).remaining, 0);
    // What is as good as new goes without being missed.
    let later = now + Duration::from_secs(3600);
    accounts.make_room(&allowance, later);
    assert_eq!(accounts.len(), 0);
}
