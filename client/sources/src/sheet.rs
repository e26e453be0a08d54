//! Sheets of a spreadsheet (xlsx), as the rows of text that a person sees.

use calamine::{Data, Reader as _, Xlsx};
use std::io::{self, Cursor, Read as _};
use std::path::Path;

/// Bytes of a spreadsheet at most.
const BYTES: u64 = 64 << 20;
/// Cells of a sheet at most.
const CELLS: usize = 20_000_000;
/// How a spreadsheet begins: it is a zip file.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

fn bad(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// The rows of a sheet; of the only one that holds something, where none is named. Errors where it is no spreadsheet, has no such sheet, or several.
pub fn rows(path: &Path, sheet: Option<&str>) -> io::Result<Vec<Vec<String>>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES {
        return Err(bad(format!("a spreadsheet of more than {} MiB", BYTES >> 20)));
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(bad)?;
    let names = book.sheet_names();
    if let Some(name) = sheet {
        if !names.iter().any(|it| it == name) {
            return Err(bad(format!("no sheet {name}: there are {}", names.join(", "))));
        }
        return rows_of(&mut book, name);
    }
    // Of several that hold something nobody knows which is meant.
    let mut found: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for name in &names {
        let rows = rows_of(&mut book, name)?;
        if rows.iter().flatten().any(|it| !it.is_empty()) {
            found.push((name.clone(), rows));
        }
    }
    match <[_; 1]>::try_from(found) {
        Ok([(_, rows)]) => Ok(rows),
        Err(found) if found.is_empty() => Err(bad("no sheet holds anything")),
        Err(found) => {
            let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
            Err(bad(format!(
                "several sheets hold something: {}; say which, or save it alone",
                names.join(", ")
            )))
        }
    }
}

/// The rows of a sheet, from its first on: also those above and beside what is used.
fn rows_of(book: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> io::Result<Vec<Vec<String>>> {
    let range = book.worksheet_range(name).map_err(bad)?;
    let (height, width) = range.get_size();
    if height.saturating_mul(width) > CELLS {
        return Err(bad(format!("the sheet {name} has more than {CELLS} cells")));
    }
    let (above, before) = range.start().unwrap_or_default();
    let above = std::iter::repeat_n(Vec::new(), usize::try_from(above).unwrap_or(0));
    let before = usize::try_from(before).unwrap_or(0);
    let row = |cells: &[Data]| {
        let empty = std::iter::repeat_n(String::new(), before);
        empty.chain(cells.iter().map(text)).collect()
    };
    Ok(above.chain(range.rows().map(row)).collect())
}

/// A cell as a person sees it.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(it) | Data::DateTimeIso(it) | Data::DurationIso(it) => it.trim().to_owned(),
        Data::Int(it) => it.to_string(),
        // Whole numbers are numbers of documents and rows.
        Data::Float(it) => it.to_string(),
        Data::Bool(it) => it.to_string(),
        Data::DateTime(it) => {
            let (year, month, day, hour, minute, second, _) = it.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        Data::Error(it) => format!("{it}"),
    }
}

/// The same as values between commas. Errors where nothing stands below the names of columns.
pub(crate) fn csv(path: &Path) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut written = 0_u32;
    for row in rows(path, None)? {
        if row.iter().all(String::is_empty) {
            continue;
        }
        writer.write_record(&row).map_err(bad)?;
        written = written.saturating_add(1);
    }
    if written < 2 {
        return Err(bad("no row below the names of columns"));
    }
    writer.into_inner().map_err(|error| bad(error.error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    #[test]
    fn a_sheet_is_read_as_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.xlsx");
        let mut book = Workbook::new();
        book.add_worksheet().set_name("说明").unwrap().write(0, 0, "只是说明").unwrap();
        let list = book.add_worksheet().set_name("调用").unwrap();
        for (at, name) in ["调用时间", "接口", "返回条数", "成功"].into_iter().enumerate()
        {
            list.write(0, u16::try_from(at).unwrap(), name).unwrap();
        }
        let time = ExcelDateTime::parse_from_str("2026-11-28 09:00:01").unwrap();
        let format = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        list.write_with_format(1, 0, &time, &format).unwrap();
        list.write(1, 1, " 居民信息 ").unwrap().write(1, 2, 1200).unwrap();
        list.write(1, 3, true).unwrap();
        let day = ExcelDateTime::parse_from_str("2026-11-29").unwrap();
        list.write_with_format(3, 0, &day, &format).unwrap().write(3, 2, 0.5).unwrap();
        book.save(&file).unwrap();
        let all = rows(&file, Some("调用")).unwrap();
        assert_eq!(all[1], ["2026-11-28 09:00:01", "居民信息", "1200", "true"]);
        let day = ["2026-11-29 00:00:00", "", "0.5", ""].map(str::to_owned).to_vec();
        assert_eq!((all[2].concat(), &all[3]), (String::new(), &day));
        let error = rows(&file, Some("目录")).unwrap_err().to_string();
        assert!(error.contains("no sheet 目录"), "{error}");
        // Of two nobody knows which is meant; and what has no row is no list.
        let error = rows(&file, None).unwrap_err().to_string();
        assert!(error.contains("several sheets hold something"), "{error}");
        let mut alone = Workbook::new();
        alone.add_worksheet();
        let second = alone.add_worksheet();
        second.write(2, 1, "名").unwrap();
        alone.save(&file).unwrap();
        // Rows and columns are those that a person counts.
        assert_eq!(rows(&file, None).unwrap()[2], ["", "名"]);
        assert!(csv(&file).is_err());
        // What is cut, or is another zip file, is none.
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert!(rows(&file, None).is_err());
        std::fs::write(&file, b"PK\x03\x04").unwrap();
        assert!(rows(&file, None).is_err());
    }
}
