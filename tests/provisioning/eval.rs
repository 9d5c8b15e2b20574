//! `likeness eval` as a whole, on a few pictures.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What it prints, with these arguments.
fn eval(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_likeness"))
        .arg("eval")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two people, one of them twice, and a picture without a face.
fn dataset(folder: &Path) {
    let images = folder.join("faces/images");
    fs::create_dir_all(&images).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (fixture, name) in [
        ("obama.jpg", "First_Person_0001.jpg"),
        ("document_obama.jpg", "First_Person_0002.jpg"),
        ("biden.jpg", "Second_Person_0001.jpg"),
        ("no_face.jpg", "Third_Person_0001.jpg"),
    ] {
        fs::copy(fixtures.join(fixture), images.join(name)).unwrap();
    }
    let pairs = "fold,same,image_a,image_b\n\
                 1,1,First_Person_0001.jpg,First_Person_0002.jpg\n\
                 2,0,First_Person_0001.jpg,Second_Person_0001.jpg\n";
    fs::write(folder.join("faces/pairs.csv"), pairs).unwrap();
    let subjects = "subject,group\nFirst_Person,one\nSecond_Person,one\nThird_Person,other\n";
    fs::write(folder.join("faces/subjects.csv"), subjects).unwrap();
}

#[test]
fn a_report_is_made_again_from_scores_to_the_last_digit_and_its_page_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    let measured = [
        "--dataset",
        "faces",
        "--save-scores",
        "scores",
        "--report",
        "a.html",
    ];
    let table = eval(&measured, folder.path());
    for line in [
        "dataset             faces (4 images, 3 subjects)",
        "failure to acquire  25.000 % (1 of 4)",
        "comparisons         1 mated, 2 non-mated",
        "identification      1 subjects with one picture each, 1 mated and 2 non-mated probes",
        "group one           2 subjects, 1 mated and 2 non-mated comparisons among them",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
    fs::remove_dir_all(folder.path().join("faces")).unwrap();
    let again = eval(&["--scores", "scores", "--report", "b.html"], folder.path());
    assert_eq!(again, table);
    let page = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(page("b.html"), page("a.html"));
    for (part, there) in [
        ("<h2>Group one</h2>", true),
        ("fr_feature.onnx", true),
        ("Person", false),
        ("<script", false),
        ("http", false),
        ("NaN", false),
    ] {
        assert_eq!(page("a.html").contains(part), there, "{part}");
    }
}
