//! Reading documents: the portrait, and the machine-readable zone of either side.

use std::mem;
use std::time::Instant;

use time::OffsetDateTime;

use super::{DOCUMENT, Verifier, VerifyError};
use crate::domain::cues::{Cue, CueKind};
use crate::domain::decision::Reason;
use crate::domain::document::{DocumentCheck, Side, Sides, ZoneReading, ZoneSearch, judge};
use crate::domain::face::Face;
use crate::domain::mrz::{CivilDate, Expected, Mrz};
use crate::vision::document::{Print, Zone};
use crate::vision::{Analysis, AnalysisRequest, Encoded, Layout, StageTimings};

/// Detections this sure are taken for faces that stand upright. Of two of the fixtures, those on their side or head reached
/// 0.995, and skewed ones went down to 0.997.
const SURE: f32 = 0.999;
/// What is wanted of a reader, which finds no faces.
const ZONE: AnalysisRequest = AnalysisRequest::of(Layout::Document);

/// What was read on a document.
#[derive(Debug)]
pub struct DocumentReading {
    /// Width and height of the upright picture of its front, in pixels.
    pub size: (u32, u32),
    /// The portrait: the largest face, since ghost images are smaller.
    pub portrait: Option<Face>,
    /// Whether its zone holds together.
    pub check: DocumentCheck,
    /// What of it does not.
    pub reasons: Vec<Reason>,
}

/// A document whose pictures were worked on.
pub(super) struct Worked {
    pub(super) front: Analysis,
    pub(super) sides: Sides,
    pub(super) timings: Vec<StageTimings>,
}

impl Verifier {
    /// Finds the portrait and reads the zone; nothing is kept.
    ///
    /// # Errors
    /// [`VerifyError::Vision`] where a picture cannot be worked on; no portrait and no zone are answers.
    pub async fn read_document(
        &self,
        document: Vec<u8>,
        back: Option<Vec<u8>>,
        expected: &Expected,
    ) -> Result<DocumentReading, VerifyError> {
        let worked = self.work_on(document, back).await?;
        let mut reasons = Vec::new();
        let check = judge(worked.sides, expected, &mut reasons);
        Ok(DocumentReading {
            size: (worked.front.width, worked.front.height),
            portrait: worked.front.faces.into_iter().next(),
            check,
            reasons,
        })
    }

    /// Looks at the portrait and at both sides' zones, side by side.
    ///
    /// A document that lies on its side shows no face to a detector of upright ones, or one with its eyes in the wrong place.
    /// Its zone says how it lies; where there is none, as on the front of a card, the way that shows the surest face is.
    pub(super) async fn work_on(
        &self,
        document: Vec<u8>,
        back: Option<Vec<u8>>,
    ) -> Result<Worked, VerifyError> {
        let document = Encoded::from(document);
        // What takes longest is sent first, and the faces of the same picture next, so that it is decoded once.
        let ((front_zone, mut front_time), mut front, (back_zone, back_time)) = tokio::try_join!(
            self.search_zone(Side::Document, document.clone()),
            self.analyse("document", document.clone(), DOCUMENT),
            self.search_back(back),
        )?;
        // Whoever is first decodes it, and the other waits for it or comes later.
        front.timings.decode = front.timings.decode.max(mem::take(&mut front_time.decode));
        let mut timings = vec![front_time, back_time, front.timings];
        let lies = front_zone.reading().map(quarter_turns);
        if let Some(layout) = second_look(lies, confidence(&front)) {
            let request = AnalysisRequest { layout, ..DOCUMENT };
            let turned = self.analyse("document", document, request).await?;
            timings.push(turned.timings);
            let known = lies.is_some() && !turned.faces.is_empty();
            if known || confidence(&turned) > confidence(&front) {
                front = turned;
            }
        }
        let sides = Sides {
            front: front_zone,
            back: back_zone,
        };
        Ok(Worked {
            front,
            sides,
            timings,
        })
    }

    async fn search_back(
        &self,
        back: Option<Vec<u8>>,
    ) -> Result<(ZoneSearch, StageTimings), VerifyError> {
        match back {
            Some(image) => self.search_zone(Side::DocumentBack, image).await,
            None => Ok((ZoneSearch::NotSent, StageTimings::default())),
        }
    }

    /// Looks for the zone in one picture.
    async fn search_zone(
        &self,
        side: Side,
        image: impl Into<Encoded>,
    ) -> Result<(ZoneSearch, StageTimings), VerifyError> {
        let Some(readers) = self.engine.readers() else {
            return Ok((ZoneSearch::SwitchedOff, StageTimings::default()));
        };
        let part = match side {
            Side::Document => "document",
            Side::DocumentBack => "document_back",
        };
        let deadline = Instant::now() + self.deadline;
        let read = readers.analyse(image, ZONE, deadline).await;
        let read = self.timed(part, read)?;
        let today = today();
        let zone = read.zone.and_then(|zone| reading(side, &zone, today));
        let search = zone.map_or(ZoneSearch::NotFound, |zone| {
            ZoneSearch::Read(Box::new(zone))
        });
        Ok((search, read.timings))
    }
}

/// The day in UTC. A document is valid through its last day, wherever that day is still going on.
fn today() -> CivilDate {
    let now = OffsetDateTime::now_utc().date();
    CivilDate::new(now.year(), now.month().into(), now.day()).unwrap_or(CivilDate::EARLIEST)
}

fn reading(side: Side, zone: &Zone, today: CivilDate) -> Option<ZoneReading> {
    let mrz = Mrz::parse(&zone.lines.join("\n"), today).ok()?;
    Some(ZoneReading {
        side,
        corners: zone.corners,
        turn_degrees: zone.turn_degrees,
        confidence: zone.confidence,
        mrz,
        cues: zone.print.as_ref().map(cues).unwrap_or_default(),
    })
}

fn cues(print: &Print) -> Vec<Cue> {
    let cue = |kind| Cue {
        kind,
        value: print.value(kind),
    };
    CueKind::ALL.map(cue).to_vec()
}

/// How sure the largest face is.
fn confidence(analysis: &Analysis) -> Option<f32> {
    analysis.faces.first().map(|face| face.confidence)
}

/// How a document is to be looked at again for its portrait: by the clockwise quarter turns that bring its text level,
/// whatever was taken for a face before it was turned; any way where nothing is known of them and no sure face was seen.
fn second_look(quarters: Option<u8>, seen: Option<f32>) -> Option<Layout> {
    match quarters {
        Some(0) => None,
        Some(quarters) => Some(Layout::Turned(quarters)),
        None => seen
            .is_none_or(|confidence| confidence < SURE)
            .then_some(Layout::AnyTurn),
    }
}

/// Clockwise quarter turns that bring the text level, 0 to 3.
fn quarter_turns(zone: &ZoneReading) -> u8 {
    (-zone.turn_degrees / 90.0).round().rem_euclid(4.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_on_its_side_is_believed_before_a_face_and_without_a_zone_a_sure_face_is() {
        use Layout::{AnyTurn, Turned};
        for (quarters, seen, expected) in [
            (Some(0), Some(0.9), None),
            (Some(0), None, None),
            (Some(3), Some(1.0), Some(Turned(3))),
            (Some(2), None, Some(Turned(2))),
            (None, Some(0.9995), None),
            (None, Some(0.995), Some(AnyTurn)),
            (None, None, Some(AnyTurn)),
        ] {
            let look = second_look(quarters, seen);
            assert_eq!(look, expected, "{quarters:?} {seen:?}");
        }
    }

    #[test]
    fn a_document_is_turned_back_the_way_that_its_text_is_turned() {
        let zone = |turn_degrees| {
            let lines = [
                "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
                "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            ];
            let zone = Zone {
                lines: lines.map(str::to_owned).into(),
                corners: [crate::domain::face::Point { x: 0.0, y: 0.0 }; 4],
                turn_degrees,
                confidence: 1.0,
                print: None,
            };
            quarter_turns(&reading(Side::Document, &zone, today()).unwrap())
        };
        assert_eq!(
            [0.0, 14.0, -15.0, 88.0, 103.0, 179.0, -178.0, -92.0].map(zone),
            [0, 0, 0, 3, 3, 2, 2, 1]
        );
    }
}
