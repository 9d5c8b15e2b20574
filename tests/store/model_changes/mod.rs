//! Changes of a list's model: what is kept of both, the switch, the way back, and that two models are never mixed.

mod job;
mod refusals;
mod rekeying;
mod switching;

use likeness::domain::face::Template;
use likeness::domain::ids::{FaceId, SubjectId, WatchlistId};
use likeness::domain::model_change::{ModelChange, SwitchMode};
use likeness::domain::watchlist::Nearest;
use likeness::store::{ListModels, NewModelChange, NewSubject, Store, TenantTx};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::PgConnection;

use crate::fixture::{Fixture, MODEL, actor, search, tenant};
use crate::search::random;

/// The model that lists get into, whose templates have another length.
pub const NEW: &str = "new-embedder";
pub const NEW_DIMENSIONS: usize = 256;

/// One face as both models see it.
#[derive(Clone)]
pub struct Person {
    pub subject: SubjectId,
    pub face: FaceId,
    pub old: Template,
    pub new: Template,
}

/// A list of `acme` with people on it.
pub struct Changing {
    pub fixture: Fixture,
    pub list: WatchlistId,
    pub people: Vec<Person>,
    rng: StdRng,
}

pub fn to(model: &str) -> NewModelChange {
    NewModelChange {
        to_model: model.to_owned(),
        dimensions: NEW_DIMENSIONS,
        switch: SwitchMode::Manual,
    }
}

pub fn models(current: &str, also: Option<&str>) -> ListModels {
    ListModels {
        current: Some(current.to_owned()),
        also: also.map(str::to_owned),
    }
}

impl Changing {
    pub async fn new(people: usize) -> Self {
        let fixture = Fixture::new().await;
        let list = fixture.watchlist(&tenant("acme"), "door").await.id;
        let mut changing = Self {
            fixture,
            list,
            people: Vec::new(),
            rng: StdRng::seed_from_u64(3),
        };
        let mut transaction = changing.begin().await;
        for _ in 0..people {
            let person = changing.enrol(&mut transaction, MODEL).await;
            changing.people.push(person);
        }
        transaction.commit().await.unwrap();
        changing
    }

    /// With the change begun.
    pub async fn begun(people: usize) -> Self {
        let changing = Self::new(people).await;
        changing.start().await;
        changing
    }

    /// With all templates of the new model, made from pictures.
    pub async fn filled(people: usize) -> Self {
        let changing = Self::begun(people).await;
        changing.keep_images(&changing.people).await;
        changing.fill(&changing.fixture.store).await;
        changing
    }

    /// With the list in the new model.
    pub async fn switched(people: usize) -> Self {
        let changing = Self::filled(people).await;
        let mut transaction = changing.begin().await;
        let switch = transaction.switch_model(changing.list).await.unwrap();
        assert_eq!(switch, likeness::store::Switch::Done(people as u64));
        transaction.commit().await.unwrap();
        changing
    }

    pub async fn begin(&self) -> TenantTx {
        self.fixture.store.begin(&tenant("acme")).await.unwrap()
    }

    pub async fn owner(&self) -> PgConnection {
        self.fixture.owner().await
    }

    pub async fn start(&self) -> ModelChange {
        let mut transaction = self.begin().await;
        let begun = transaction
            .start_model_change(self.list, &to(NEW), &actor("acme"))
            .await
            .unwrap()
            .unwrap();
        transaction.commit().await.unwrap();
        begun
    }

    pub async fn change(&self) -> ModelChange {
        let mut transaction = self.begin().await;
        let change = transaction.find_model_change(self.list).await.unwrap();
        change.unwrap()
    }

    pub async fn models(&self) -> ListModels {
        let mut transaction = self.begin().await;
        let mut models = transaction.list_models(&[self.list]).await.unwrap();
        models.remove(&self.list).unwrap()
    }

    /// A face like nobody's, as both models see it.
    pub fn stranger(&mut self) -> (Template, Template) {
        let values = (0..NEW_DIMENSIONS).map(|_| self.rng.random_range(-1.0..1.0));
        let new = Template::normalised(NEW, values.collect()).unwrap();
        (random(&mut self.rng), new)
    }

    /// Somebody new with a template of one model, that of the list.
    pub async fn enrol(&mut self, transaction: &mut TenantTx, model: &str) -> Person {
        let (old, new) = self.stranger();
        let template = if model == NEW { &new } else { &old };
        let made = transaction
            .insert_subject(
                self.list,
                NewSubject::default(),
                std::slice::from_ref(template),
            )
            .await
            .unwrap();
        Person {
            subject: made.id,
            face: made.faces[0].id,
            old,
            new,
        }
    }

    /// Keeps a picture of each.
    pub async fn keep_images(&self, people: &[Person]) {
        for person in people {
            sqlx::query(
                "insert into face_images (tenant, watchlist_id, subject_id, face_id, key_id, nonce, image) \
                 values ('acme', $1, $2, $3, 'testkey1', decode(repeat('01', 12), 'hex'), decode(repeat('02', 17), 'hex'))",
            )
            .bind(self.list.as_uuid())
            .bind(person.subject.as_uuid())
            .bind(person.face.as_uuid())
            .execute(&mut self.owner().await)
            .await
            .unwrap();
        }
    }

    /// Makes templates of the new model as the job does, a few faces at a time. Tells how many.
    pub async fn fill(&self, store: &Store) -> usize {
        let (mut after, mut filled) = (None, 0);
        loop {
            let mut transaction = store.begin(&tenant("acme")).await.unwrap();
            let faces = transaction.faces_to_fill(self.list, after, 500).await;
            let faces = faces.unwrap();
            let Some(last) = faces.last() else {
                return filled;
            };
            after = Some(*last);
            let of = |face: &FaceId| {
                let person = self.people.iter().find(|person| person.face == *face);
                &person.unwrap().new
            };
            let spare: Vec<_> = faces
                .iter()
                .map(|(id, face)| (*id, *face, of(face)))
                .collect();
            let kept = transaction.insert_spare_templates(self.list, &spare).await;
            assert_eq!(kept.unwrap(), faces.len() as u64);
            transaction.commit().await.unwrap();
            filled += faces.len();
        }
    }

    /// Whom everybody's template of a model finds, where the list is in it; none where it is in another.
    pub async fn find_all(&self, model: &str) -> Option<Vec<Nearest>> {
        let mut transaction = self.begin().await;
        let mut found = Vec::new();
        for person in &self.people {
            let probe = if model == NEW {
                &person.new
            } else {
                &person.old
            };
            let matches = search(&mut transaction, self.list, probe, 0.5, 3).await;
            if matches.has_others {
                assert_eq!((matches.size, &matches.nearest[..]), (0, &[][..]));
                return None;
            }
            assert_eq!(matches.nearest[0].subject_id, person.subject);
            found.extend(matches.nearest);
        }
        Some(found)
    }

    /// How many templates are kept under each id: of faces, and spare.
    pub async fn kept(&self) -> [Vec<(String, i64)>; 2] {
        let mut owner = self.owner().await;
        let faces = "select model_id, count(*) from faces group by model_id order by model_id";
        let spare =
            "select model_id, count(*) from spare_templates group by model_id order by model_id";
        let faces = sqlx::query_as(faces).fetch_all(&mut owner).await;
        let spare = sqlx::query_as(spare).fetch_all(&mut owner).await;
        [faces.unwrap(), spare.unwrap()]
    }
}

/// So many templates of one id, or none.
pub fn all(id: &str, count: i64) -> Vec<(String, i64)> {
    let all = [(id.to_owned(), count)];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}
