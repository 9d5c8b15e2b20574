//! What must not be seen.

use std::path::Path;
use std::sync::Mutex;

use rand::RngExt as _;

/// Bytes of a picture or a template that are looked for; more would only be slower to find.
const SAMPLE: usize = 24;

/// One of each kind. They are random, so that nothing else can hold them by chance.
pub struct Secrets {
    /// Signs the tokens of the test.
    pub jwt_secret: String,
    /// Templates are rotated by it.
    pub template_key: String,
    /// Kept pictures are encrypted under it.
    pub image_key: String,
    /// Personal data in records that their maker may read again.
    pub name: String,
    pub external_id: String,
    pub metadata: String,
    pub mrz: String,
    pub list_name: String,
    pub consent: String,
    pub note: String,
    /// What stands where no answer repeats it.
    pub file_name: String,
    pub query: String,
    pub path: String,
    pub header: String,
    pub method: String,
    pub refused: String,
    pub idempotency_key: String,
    /// Tokens that do not get in, in whole and in part.
    pub bad_token: String,
    /// Photographs with something of their own in them, and text that claims to be one.
    pub portrait: Vec<u8>,
    pub document: Vec<u8>,
    pub no_picture: Vec<u8>,
    picture_mark: String,
    /// The signatures of the tokens that do get in.
    tokens: Mutex<Vec<String>>,
    /// What the service made up and told once, by its name.
    told: Mutex<Vec<(&'static str, String)>>,
}

/// What the machine-readable zone of the document says, as it is read, put right and shown. No part is so short that it
/// could stand somewhere by chance.
const ZONE: [&str; 7] = [
    "UX4821937",
    "ADRIAN THEO",
    "Adrian Theo",
    "VALE<<ADRIAN",
    "UTOVALE<",
    "1961-03-17",
    "6103176M3406304",
];

fn canary(kind: &str) -> String {
    let random: [u8; 8] = rand::rng().random();
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("canary-{kind}-{random}")
}

pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// A JPEG with a comment behind its first marker.
fn marked(mut jpeg: Vec<u8>, mark: &str) -> Vec<u8> {
    let length = u16::try_from(mark.len() + 2).unwrap();
    let mut comment = vec![0xff, 0xfe];
    comment.extend(length.to_be_bytes());
    comment.extend(mark.as_bytes());
    jpeg.splice(2..2, comment);
    jpeg
}

impl Secrets {
    pub fn new() -> Self {
        let picture_mark = canary("picture");
        Self {
            jwt_secret: canary("jwt-secret-that-is-long-enough"),
            template_key: canary("template-key-that-is-long-enough"),
            image_key: canary("image-key-that-is-long-enough"),
            name: canary("Name"),
            external_id: canary("external-id"),
            metadata: canary("metadata"),
            mrz: format!(
                "P<UTO{}<<ANNA<MARIA",
                canary("mrz").to_uppercase().replace('-', "<")
            ),
            list_name: canary("list"),
            consent: canary("consent"),
            note: canary("note"),
            file_name: canary("file"),
            query: canary("query"),
            path: canary("path"),
            header: canary("header"),
            method: canary("METHOD").to_uppercase(),
            refused: canary("refused"),
            idempotency_key: canary("key"),
            bad_token: canary("token"),
            portrait: marked(fixture("obama.jpg"), &picture_mark),
            document: marked(fixture("document_obama.jpg"), &picture_mark),
            no_picture: canary("no-picture").into_bytes(),
            picture_mark,
            tokens: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Remembers a token that is used.
    pub fn used(&self, token: &str) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        let signature = token.rsplit('.').next().unwrap().to_owned();
        if !tokens.contains(&signature) {
            tokens.push(signature);
        }
        token.to_owned()
    }

    /// Remembers what an answer told to its caller alone.
    pub fn told(&self, name: &'static str, secret: &str) {
        self.told.lock().unwrap().push((name, secret.to_owned()));
    }

    /// What nobody is told, not even whoever sent it.
    pub fn never(&self, templates: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
        let mut secrets: Vec<(String, Vec<u8>)> = [
            ("the signing secret", &self.jwt_secret),
            ("the secret of templates", &self.template_key),
            ("the secret of kept pictures", &self.image_key),
            ("a refused token", &self.bad_token),
            ("a mark in a picture", &self.picture_mark),
            ("a file name", &self.file_name),
            ("a query", &self.query),
            ("a path", &self.path),
            ("a header", &self.header),
            ("a method", &self.method),
            ("a refused value", &self.refused),
            ("an Idempotency-Key", &self.idempotency_key),
        ]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into();
        for token in self.tokens.lock().unwrap().iter() {
            secrets.push(("a token".to_owned(), token.as_bytes().to_vec()));
        }
        secrets.push(("no picture".to_owned(), self.no_picture.clone()));
        for picture in [&self.portrait, &self.document] {
            // From the middle, where the pixels are.
            let middle = picture.len() / 2;
            let pixels = picture[middle..middle + SAMPLE].to_vec();
            secrets.push(("pixels".to_owned(), pixels));
        }
        for template in templates {
            secrets.push(("a template".to_owned(), template[..SAMPLE].to_vec()));
            let middle = template.len() / 2;
            let sample = template[middle..middle + SAMPLE].to_vec();
            secrets.push(("a template".to_owned(), sample));
        }
        secrets
    }

    /// The same, and what only its maker may read.
    pub fn all(&self, templates: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
        let mut secrets = self.never(templates);
        let records = [
            ("a name", &self.name),
            ("an external id", &self.external_id),
            ("metadata", &self.metadata),
            ("a machine-readable zone", &self.mrz),
            ("the name of a list", &self.list_name),
            ("a consent", &self.consent),
            ("a note", &self.note),
        ];
        let records = records.map(|(name, text)| (name, text.as_str()));
        let zone = ZONE.map(|text| ("what a zone says", text));
        let told = self.told.lock().unwrap();
        let told = told.iter().map(|(name, text)| (*name, text.as_str()));
        for (name, text) in records.into_iter().chain(zone).chain(told) {
            secrets.push((name.to_owned(), text.as_bytes().to_vec()));
        }
        secrets
    }
}
