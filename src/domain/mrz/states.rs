//! Codes of states, organisations and people without a state: ISO 3166-1 alpha-3, and those of Doc 9303 part 3, section 5.

/// Where a code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// ISO 3166-1 alpha-3.
    Iso,
    /// Doc 9303: organisations, kinds of British nationals, stateless people, refugees, and Germany as `D`.
    Icao,
    /// Utopia, the state of specimens.
    Specimen,
}

/// The kind of a code without its fillers; `None` where it is none.
#[must_use]
pub fn state_kind(code: &str) -> Option<StateKind> {
    if code == "UTO" {
        return Some(StateKind::Specimen);
    }
    if ICAO.contains(&code) {
        return Some(StateKind::Icao);
    }
    let known = code.len() == 3 && ISO.split_ascii_whitespace().any(|known| known == code);
    known.then_some(StateKind::Iso)
}

/// Codes of Doc 9303 that ISO 3166-1 does not assign.
const ICAO: &[&str] = &[
    "D",   // Germany
    "EUE", // European Union
    "GBD", "GBN", "GBO", "GBP", "GBS", // British nationals other than citizens
    "IAO", // ICAO itself
    "RKS", // Kosovo
    "UNA", "UNK", "UNO", // United Nations
    "XAA", "XBA", "XCC", "XCE", "XCO", "XDC", "XEC", "XES", "XIM", "XMP", "XOM",
    "XPO", // organisations
    "XCT", // Turkish Republic of Northern Cyprus
    "XXA", "XXB", "XXC", "XXX", // stateless, refugees, not specified
];

/// ISO 3166-1 alpha-3.
const ISO: &str = "
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM
BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR
CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB
GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA
JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA
MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR
NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS
SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON
TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standards() {
        let codes: Vec<&str> = ISO.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(state_kind("FRA"), Some(StateKind::Iso));
        assert_eq!(state_kind("D"), Some(StateKind::Icao));
        assert_eq!(state_kind("XXB"), Some(StateKind::Icao));
        assert_eq!(state_kind("UTO"), Some(StateKind::Specimen));
        for code in ["", "F", "FR", "GER", "ABC", "ABW AFG", "fra"] {
            assert_eq!(state_kind(code), None, "{code}");
        }
    }
}
