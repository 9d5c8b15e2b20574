//! Manifests: which file of an archive shows whom. CSV with a header, or a JSON object a line.

use csv::{ReaderBuilder, StringRecord};
use serde::Deserialize;

use super::ImportError;
use super::fields::{Described, invalid};
use crate::domain::job::RowFault;

/// The columns of a CSV manifest.
const COLUMNS: [&str; 6] = [
    "file",
    "external_id",
    "display_name",
    "valid_until",
    "metadata",
    "consent",
];

/// One line of a manifest.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number, from 1; a CSV's header has none.
    pub(super) number: u64,
    /// The file that it names, where that can be told.
    pub(super) file: Option<String>,
    /// Whom the file shows.
    pub(super) person: Result<Described, RowFault>,
}

/// The lines of a manifest: JSON where its first character is a brace, CSV otherwise.
pub(super) fn lines(manifest: &[u8]) -> Result<Box<dyn Iterator<Item = Line> + '_>, ImportError> {
    let is_json = manifest.trim_ascii_start().first() == Some(&b'{');
    if is_json {
        Ok(Box::new(json_lines(manifest)))
    } else {
        Ok(Box::new(csv_lines(manifest)?))
    }
}

fn json_lines(manifest: &[u8]) -> impl Iterator<Item = Line> + '_ {
    #[derive(Deserialize)]
    struct JsonLine {
        file: Option<String>,
        #[serde(flatten)]
        person: Described,
    }

    let numbered = (1..).zip(manifest.split(|&byte| byte == b'\n'));
    let filled = numbered.filter(|(_, line)| !line.trim_ascii().is_empty());
    filled.map(
        |(number, line)| match serde_json::from_slice::<JsonLine>(line) {
            Ok(JsonLine { file, person }) => Line {
                number,
                person: match &file {
                    Some(_) => Ok(person),
                    None => Err(invalid("file is required")),
                },
                file,
            },
            Err(_) => Line {
                number,
                file: None,
                person: Err(invalid("the line is not a JSON object of a manifest")),
            },
        },
    )
}

fn csv_lines(manifest: &[u8]) -> Result<impl Iterator<Item = Line> + '_, ImportError> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(manifest);
    let header = reader
        .headers()
        .map_err(|_| ImportError::InvalidManifest("its header is not UTF-8 text".to_owned()))?
        .clone();
    let names: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    if !names.iter().any(|name| name == "file") {
        return Err(ImportError::InvalidManifest(
            "its header has no column `file`".to_owned(),
        ));
    }
    if names.iter().any(|name| !COLUMNS.contains(&name.as_str())) {
        let known = COLUMNS.join(", ");
        return Err(ImportError::InvalidManifest(format!(
            "its header has a column that is not known; known are {known}"
        )));
    }
    let records = (1..).zip(reader.into_records());
    Ok(records.map(move |(number, record)| match record {
        Ok(record) => csv_line(number, &names, &record),
        Err(_) => Line {
            number,
            file: None,
            person: Err(invalid("the line is not UTF-8 text")),
        },
    }))
}

fn csv_line(number: u64, names: &[String], record: &StringRecord) -> Line {
    let value = |wanted: &str| {
        let at = names.iter().position(|name| name == wanted)?;
        let text = record.get(at)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let file = value("file");
    let json = |name| value(name).map(|text| serde_json::from_str(&text));
    let (metadata, consent) = (json("metadata").transpose(), json("consent").transpose());
    let person = match (&file, metadata, consent) {
        _ if record.len() > names.len() => Err(invalid("the line has more values than the header")),
        (None, ..) => Err(invalid("file is required")),
        (_, Err(_), _) => Err(invalid("metadata is not JSON")),
        (.., Err(_)) => Err(invalid("consent is not JSON")),
        (_, Ok(metadata), Ok(consent)) => Ok(Described {
            external_id: value("external_id"),
            display_name: value("display_name"),
            metadata,
            valid_until: value("valid_until"),
            consent,
            ..Described::default()
        }),
    };
    Line {
        number,
        file,
        person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Summary = (u64, Option<String>, Result<Option<String>, String>);

    fn summary(manifest: &str) -> Vec<Summary> {
        let lines = lines(manifest.as_bytes()).unwrap();
        lines
            .map(|line| {
                let person = line.person.map(|person| person.external_id);
                (
                    line.number,
                    line.file,
                    person.map_err(|fault| fault.message),
                )
            })
            .collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_table_may_leave_columns_out_and_order_them_freely() {
        let read = summary("\u{FEFF}External_ID, file\r\n a ,b/c.jpg\r\n,d.jpg\n");
        assert_eq!(
            read,
            [
                (1, some("b/c.jpg"), Ok(some("a"))),
                (2, some("d.jpg"), Ok(None))
            ]
        );
    }

    #[test]
    fn a_bad_line_is_a_fault_of_its_own() {
        let table = "file,metadata\n,{}\na.jpg,nonsense\nb.jpg,{},more\nc.jpg,\"{\"\"k\"\": 1}\"\n";
        let faults: Vec<_> = summary(table).into_iter().map(|line| line.2).collect();
        assert_eq!(faults[0], Err("file is required".to_owned()));
        assert_eq!(faults[1], Err("metadata is not JSON".to_owned()));
        assert_eq!(
            faults[2],
            Err("the line has more values than the header".to_owned())
        );
        assert_eq!(faults[3], Ok(None));
    }

    #[test]
    fn lines_of_json_are_told_by_their_brace() {
        let read = summary(
            "\n{\"file\": \"a.jpg\", \"external_id\": \"x\"}\n{]\n{\"external_id\": \"y\"}",
        );
        assert_eq!(read[0], (2, some("a.jpg"), Ok(some("x"))));
        assert!(
            read[1]
                .2
                .as_ref()
                .unwrap_err()
                .contains("not a JSON object")
        );
        assert_eq!(read[2].2, Err("file is required".to_owned()));
    }

    #[test]
    fn a_table_without_files_or_with_a_foreign_column_is_refused_whole() {
        for table in ["name,external_id\na,b\n", "file,iris_code\na,b\n", ""] {
            assert!(
                matches!(
                    lines(table.as_bytes()),
                    Err(ImportError::InvalidManifest(_))
                ),
                "{table:?}"
            );
        }
    }
}
