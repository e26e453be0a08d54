//! The numbers of data subjects, as the tag service takes them. Two ways of writing one number must give one tag, and a
//! number that was mistyped must give none: its trail would be another's, or nobody's, and read as complete.

use unicode_normalization::UnicodeNormalization;

/// What kind of numbers a collector's subjects have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberKind {
    /// Resident identity numbers.
    #[default]
    Resident,
    /// Unified social credit codes of organisations.
    Organisation,
    /// A register's own numbers.
    Own,
}

/// Why a text is no number of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Its form.
    #[error("a resident identity number has 17 digits, and a digit or X behind them")]
    ResidentForm,
    /// Its day of birth.
    #[error("its day of birth is none")]
    Day,
    /// Its check character.
    #[error("its check character does not fit: it was mistyped")]
    Check,
    /// Its form.
    #[error("a unified social credit code has 18 of 0–9 and A–Z without I, O, S, V and Z")]
    OrganisationForm,
    /// Its form.
    #[error("a register's number has 4 to 32 of A–Z, 0–9 and hyphen, one digit at least")]
    OwnForm,
}

impl NumberKind {
    /// Every kind, with its name and what it is.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (
            Self::Resident,
            "resident",
            "Resident identity numbers (公民身份号码) of 18 characters, GB 11643: their day and check character are checked",
        ),
        (
            Self::Organisation,
            "organisation",
            "Unified social credit codes of organisations (统一社会信用代码) of 18 characters, GB 32100: their check \
             character is checked",
        ),
        (
            Self::Own,
            "own",
            "A register's own numbers, 4 to 32 of A–Z, 0–9 and hyphen, one digit at least: nothing tells a mistyped one",
        ),
    ];

    /// The one way of writing a number: compatibility forms as what they stand for (Unicode NFKC: full-width digits are
    /// digits), capitals, without spaces. Errors where it is no number of this kind.
    pub fn normal(self, text: &str) -> Result<String, NumberError> {
        let plain = text.trim().nfkc().filter(|it| !it.is_whitespace()).collect::<String>();
        let number = plain.to_uppercase();
        match self {
            Self::Resident => resident(&number)?,
            Self::Organisation => organisation(&number)?,
            Self::Own => own(&number)?,
        }
        Ok(number)
    }
}

/// GB 11643-1999: division of 6 digits, day of birth, order, check character by ISO 7064 MOD 11-2.
fn resident(number: &str) -> Result<(), NumberError> {
    let bytes = number.as_bytes();
    let form = bytes.len() == 18
        && bytes.iter().take(17).all(u8::is_ascii_digit)
        && bytes.last().is_some_and(|it| it.is_ascii_digit() || *it == b'X');
    if !form {
        return Err(NumberError::ResidentForm);
    }
    let part = |from: usize, until: usize| number.get(from..until)?.parse::<i16>().ok();
    let day = part(6, 10).zip(part(10, 12)).zip(part(12, 14));
    let is_day = day.is_some_and(|((year, month), day)| {
        let small = i8::try_from(month).ok().zip(i8::try_from(day).ok());
        let date = small.and_then(|(month, day)| jiff::civil::Date::new(year, month, day).ok());
        (1800..=2999).contains(&year) && date.is_some()
    });
    if !is_day {
        return Err(NumberError::Day);
    }
    let digits = bytes.iter().map(|it| if *it == b'X' { 10 } else { u32::from(it - b'0') });
    // The weight of a place is 2 to the number of places behind it.
    let sum = digits.rev().zip(0u32..).map(|(digit, place)| digit * (2u32.pow(place) % 11));
    match sum.sum::<u32>() % 11 {
        1 => Ok(()),
        _ => Err(NumberError::Check),
    }
}

const CREDIT_CODE: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// GB 32100-2015: 17 characters of 31, and a check character: 31 less the sum of their values by powers of 3, modulo 31.
fn organisation(number: &str) -> Result<(), NumberError> {
    let value = |byte: &u8| CREDIT_CODE.iter().position(|it| it == byte);
    let values: Option<Vec<usize>> = number.as_bytes().iter().map(value).collect();
    let Some((check, values)) =
        values.as_ref().filter(|it| it.len() == 18).and_then(|it| it.split_last())
    else {
        return Err(NumberError::OrganisationForm);
    };
    let weights = std::iter::successors(Some(1usize), |weight| Some(weight * 3 % 31));
    let sum: usize = values.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    match (31 - sum % 31) % 31 == *check {
        true => Ok(()),
        false => Err(NumberError::Check),
    }
}

fn own(number: &str) -> Result<(), NumberError> {
    let fits = (4..=32).contains(&number.len())
        && number.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'-')
        && number.bytes().any(|it| it.is_ascii_digit());
    if fits { Ok(()) } else { Err(NumberError::OwnForm) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NumberKind::{Organisation, Own, Resident};

    /// A number that belongs to nobody: its order is 000.
    const NOBODY: &str = "11010519491231002X";

    #[test]
    fn one_number_however_it_is_written() {
        for text in [
            NOBODY,
            "11010519491231002x",
            " 110105 19491231 002X\n",
            "１１０１０５１９４９１２３１００２Ｘ",
            "11010519491231002\u{ff58}",
            "1101\u{3000}0519491231002X",
        ] {
            assert_eq!(Resident.normal(text).as_deref(), Ok(NOBODY), "{text}");
        }
        assert_eq!(Organisation.normal("91350100m000100y43").as_deref(), Ok("91350100M000100Y43"));
        assert_eq!(Own.normal("ｈｒ-00７").as_deref(), Ok("HR-007"));
    }

    #[test]
    fn what_is_no_number_gets_no_tag() {
        let bad = [
            ("abc", NumberError::ResidentForm),
            ("", NumberError::ResidentForm),
            ("110105194912310", NumberError::ResidentForm),
            ("11010519491231002X0", NumberError::ResidentForm),
            ("1101051949123X0020", NumberError::ResidentForm),
            ("11010519491231002Y", NumberError::ResidentForm),
            ("110105194912310021", NumberError::Check),
            ("11010519491331002X", NumberError::Day),
            ("110105194902300025", NumberError::Day),
            ("一一0105194912310021", NumberError::ResidentForm),
            ("11010519491231002\u{0660}", NumberError::ResidentForm),
        ];
        for (text, why) in bad {
            assert_eq!(Resident.normal(text), Err(why), "{text}");
        }
        assert_eq!(Organisation.normal("91350100M000100Y44"), Err(NumberError::Check));
        assert_eq!(Organisation.normal("91350100I000100Y43"), Err(NumberError::OrganisationForm));
        assert_eq!(Organisation.normal("abc"), Err(NumberError::OrganisationForm));
        assert_eq!(Own.normal("abc"), Err(NumberError::OwnForm));
        assert_eq!(Own.normal("abcd"), Err(NumberError::OwnForm));
        assert_eq!(Own.normal("12\u{0}45"), Err(NumberError::OwnForm));
    }

    /// Each digit wrong, and each two neighbours swapped: none is taken for another's number.
    #[test]
    fn a_slip_of_the_finger_is_seen() {
        for at in 0..17 {
            for digit in b'0'..=b'9' {
                let mut bytes = NOBODY.as_bytes().to_vec();
                let same = bytes[at] == digit;
                bytes[at] = digit;
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(Resident.normal(&text).is_ok(), same, "{text}");
            }
            let mut bytes = NOBODY.as_bytes().to_vec();
            bytes.swap(at, at + 1);
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(Resident.normal(&text).is_ok(), text == NOBODY, "{text}");
        }
    }
}
