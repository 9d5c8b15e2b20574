//! Streams of JSON: a line a person, with one picture or several, in base64.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::fields::{Described, Person, invalid, usable_external_id};
use super::{ImportError, ImportLimits};
use crate::domain::job::{RowCode, RowFault};
use crate::store::{NewJobRow, RowContent};

/// Most pictures of one line.
const MAX_IMAGES: usize = 10;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<'a> {
    #[serde(borrow)]
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

#[derive(Deserialize)]
struct StreamLine<'a> {
    #[serde(borrow)]
    image: OneOrMany<'a>,
    #[serde(flatten)]
    person: Described,
}

/// Hands every row to `emit`, until it says that nobody wants more.
pub(super) fn read_rows(
    mut stream: impl BufRead,
    limits: &ImportLimits,
    emit: &mut impl FnMut(NewJobRow) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut line = Vec::new();
    let (mut number, mut next_row) = (0, 1);
    while let Some(whole) = next_line(&mut stream, &mut line, limits.max_line_bytes)? {
        number += 1;
        if whole && line.trim_ascii().is_empty() {
            continue;
        }
        let pictures = if whole {
            pictures(&line, limits)
        } else {
            let message = format!("the line has more than {} bytes", limits.max_line_bytes);
            vec![(None, Err(RowFault::new(RowCode::ImageTooLarge, message)))]
        };
        for (external_id, content) in pictures {
            emit(NewJobRow {
                number: next_row,
                line: Some(number),
                file: None,
                external_id,
                content,
            })?;
            next_row += 1;
        }
    }
    Ok(())
}

/// Reads a line; false where it is longer than allowed, and then skipped. None at the end.
fn next_line(
    stream: &mut impl BufRead,
    line: &mut Vec<u8>,
    max_bytes: usize,
) -> io::Result<Option<bool>> {
    line.clear();
    let limit = max_bytes as u64 + 1;
    if stream.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.len() <= max_bytes || line.ends_with(b"\n") {
        return Ok(Some(true));
    }
    line.clear();
    stream.skip_until(b'\n')?;
    Ok(Some(false))
}

type Picture = (Option<String>, Result<RowContent, RowFault>);

/// The pictures of a line, or the one fault of all of it.
fn pictures(line: &[u8], limits: &ImportLimits) -> Vec<Picture> {
    let refused = |external_id, fault| vec![(external_id, Err(fault))];
    let line: StreamLine<'_> = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(_) => {
            let fault = invalid("the line is not a JSON object with an image");
            return refused(None, fault);
        }
    };
    let external_id = usable_external_id(line.person.external_id.as_deref());
    let person = match line.person.check(limits.consent) {
        Ok(person) => person,
        Err(fault) => return refused(external_id, fault),
    };
    let images = match line.image {
        OneOrMany::One(image) => vec![image],
        OneOrMany::Many(images) => images,
    };
    if images.is_empty() || images.len() > MAX_IMAGES {
        let fault = invalid(format!("image must be 1 to {MAX_IMAGES} pictures"));
        return refused(external_id, fault);
    }
    if images.len() > 1 && external_id.is_none() {
        // They would be as many people.
        let fault = invalid("external_id is required where a line holds several pictures");
        return refused(None, fault);
    }
    let picture = |image: Cow<'_, str>| {
        let content = decode(&image, limits).map(|image| content(&person, image));
        (person.external_id.clone(), content)
    };
    images.into_iter().map(picture).collect()
}

fn decode(image: &str, limits: &ImportLimits) -> Result<Vec<u8>, RowFault> {
    let max_bytes = limits.max_image_bytes;
    let too_large = || {
        let message = format!("the picture has more than {max_bytes} bytes");
        RowFault::new(RowCode::ImageTooLarge, message)
    };
    if image.len() / 4 * 3 > max_bytes + 3 {
        return Err(too_large());
    }
    let image = STANDARD
        .decode(image)
        .map_err(|_| invalid("image is not base64 (RFC 4648, with padding)"))?;
    if image.len() > max_bytes {
        return Err(too_large());
    }
    Ok(image)
}

/// What is to be enrolled of a person's picture.
pub(super) fn content(person: &Person, image: Vec<u8>) -> RowContent {
    RowContent {
        display_name: person.display_name.clone(),
        metadata: person.metadata.clone(),
        valid_until: person.valid_until,
        consent: person.consent.clone(),
        image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::ConsentRule;

    fn limits() -> ImportLimits {
        ImportLimits {
            max_bytes: 1_000_000,
            max_image_bytes: 12,
            max_line_bytes: 120,
            consent: ConsentRule::Optional,
            spool: std::env::temp_dir(),
        }
    }

    fn read(stream: &str) -> Vec<NewJobRow> {
        let mut rows = Vec::new();
        let mut emit = |row| {
            rows.push(row);
            Ok(())
        };
        read_rows(stream.as_bytes(), &limits(), &mut emit).unwrap();
        rows
    }

    #[test]
    fn a_line_may_hold_several_pictures_of_one_person() {
        let rows = read(
            "{\"external_id\": \"a\", \"display_name\": \"A\", \"image\": [\"AAAA\", \"QkJC\"]}\n\n\
             {\"external_id\": \"b\", \"image\": \"QUFB\"}",
        );
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let content = row.content.as_ref().unwrap();
                (
                    row.number,
                    row.line,
                    row.external_id.as_deref(),
                    content.image.as_slice(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (1, Some(1), Some("a"), b"\0\0\0".as_slice()),
                (2, Some(1), Some("a"), b"BBB".as_slice()),
                (3, Some(3), Some("b"), b"AAA".as_slice()),
            ]
        );
        assert_eq!(
            rows[1].content.as_ref().unwrap().display_name.as_deref(),
            Some("A")
        );
    }

    #[test]
    fn a_bad_line_is_refused_and_the_next_one_taken() {
        let long = "x".repeat(200);
        let large = STANDARD.encode([0; 13]);
        let stream = format!(
            "nonsense\n{{\"external_id\": \"{long}\", \"image\": \"AAAA\"}}\n{{\"external_id\": \"a\", \"image\": \"*\"}}\n\
             {{\"external_id\": \"a\", \"image\": []}}\n{{\"external_id\": \"a\"}}\n\
             {{\"external_id\": \"a\", \"image\": \"{large}\"}}\n{{\"external_id\": \"b\", \"image\": \"AAAA\"}}\n"
        );
        let codes: Vec<_> = read(&stream)
            .into_iter()
            .map(|row| (row.line.unwrap(), row.content.err().map(|fault| fault.code)))
            .collect();
        let invalid = Some(RowCode::InvalidRow);
        let too_large = Some(RowCode::ImageTooLarge);
        assert_eq!(
            codes,
            [
                (1, invalid),
                (2, too_large),
                (3, invalid),
                (4, invalid),
                (5, invalid),
                (6, too_large),
                (7, None),
            ]
        );
    }
}
