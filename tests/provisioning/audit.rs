//! `likeness audit verify` as an operator runs it.

use likeness::postgres::{EmbeddedPostgres, Found};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};

use crate::scene::Scene;

/// Whether the command found everything in order, and what it said.
pub fn verify(scene: &Scene, arguments: &[&str]) -> (bool, String) {
    let mut command = scene.command("audit");
    let output = command.arg("verify").args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code();
    assert!([Some(0), Some(1)].contains(&code), "{code:?}");
    (code == Some(0), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn the_log_is_verified_beside_the_running_service_and_without_it() {
    let scene = Scene::new("watchlist:write");
    let (in_order, said) = verify(&scene, &[]);
    assert!(
        !in_order && said.contains("there is no database in"),
        "{said}"
    );

    let mut service = scene.serve();
    let (in_order, said) = verify(&scene, &[]);
    assert!(in_order && said == "the audit log is empty\n", "{said}");
    for name in ["a", "b", "c"] {
        scene.make_list(name).await;
    }
    let (in_order, said) = verify(&scene, &[]);
    assert!(in_order, "{said}");
    let head = said.trim().strip_prefix("default: intact, 3 events, head ");
    let head = head.unwrap();
    scene.make_list("d").await;
    let noted = ["--tenant", "default", "--expect-head", head];
    let (in_order, said) = verify(&scene, &noted);
    assert!(
        in_order && said.starts_with("default: intact, 4 events"),
        "{said}"
    );
    let (in_order, said) = verify(&scene, &["--tenant", "nobody"]);
    assert!(!in_order && said == "nobody: no events\n", "{said}");

    let found = EmbeddedPostgres::find(scene.home.path()).unwrap();
    let Found::Running(url) = found else {
        panic!("{found:?}")
    };
    let mut owner = PgConnection::connect(url.expose_secret()).await.unwrap();
    let tampering = "alter table audit_events disable trigger all; \
                     update audit_events set subject = 'nobody' where sequence = 2";
    sqlx::raw_sql(tampering).execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    let broken = "default: BROKEN at event 2: event 2 was changed; intact up to 1:";
    let (in_order, said) = verify(&scene, &[]);
    assert!(!in_order && said.starts_with(broken), "{said}");

    let process = Pid::from_raw(service.id().try_into().unwrap());
    kill(process, Signal::SIGTERM).unwrap();
    service.wait().unwrap();
    let found = EmbeddedPostgres::find(scene.home.path()).unwrap();
    assert!(matches!(found, Found::Stopped), "{found:?}");
    let (in_order, said) = verify(&scene, &noted);
    assert!(!in_order && said.contains(broken), "{said}");
}
