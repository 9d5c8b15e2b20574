//! What passive liveness makes of live faces and, where there are some at hand, of attacks.

use std::path::PathBuf;

use likeness::domain::policy::Policy;

use crate::{face, fixture, models};

#[test]
fn the_live_faces_of_the_fixtures_are_taken_for_live() {
    let backend = &mut models();
    let threshold = Policy::default().liveness_threshold;
    for name in ["obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.jpg"] {
        let score = face(backend, &fixture(name)).liveness.unwrap();
        assert!(f64::from(score) >= threshold, "{name}: {score}");
    }
}

/// `PAD=DIR cargo test --test vision -- --ignored samples`: the folder holds pictures as Silent-Face-Anti-Spoofing
/// names its samples, `image_T1.jpg` of a live face and `image_F1.jpg` of an attack.
#[test]
#[ignore = "needs a folder of attacks: PAD=DIR"]
fn the_samples_of_a_folder_come_out_as_their_names_say() {
    let folder = PathBuf::from(std::env::var_os("PAD").unwrap());
    let backend = &mut models();
    let threshold = Policy::default().liveness_threshold;
    let (mut live, mut attacks) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_live = match name
            .strip_prefix("image_")
            .and_then(|rest| rest.chars().next())
        {
            Some('T') => true,
            Some('F') => false,
            _ => continue,
        };
        let score = face(backend, &std::fs::read(&path).unwrap())
            .liveness
            .unwrap();
        eprintln!("{name}: {score:.3}");
        assert_eq!(f64::from(score) >= threshold, is_live, "{name}: {score}");
        *(if is_live { &mut live } else { &mut attacks }) += 1;
    }
    assert!(
        live > 0 && attacks > 0,
        "{live} live faces, {attacks} attacks"
    );
}
