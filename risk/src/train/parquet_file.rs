//! Parquet files, column by column: what is read into a table's cells, and what a table is written from.
//!
//! Only flat columns are read; a nested one that was asked for is an error that names it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::columnar::Column;
use super::table::Cells;

/// Rows that are decoded at a time.
const BATCH: usize = 65_536;
const DAY_S: i64 = 86_400;

/// The columns that were asked for.
pub(super) struct Columns {
    pub names: Vec<String>,
    /// Names of all columns of the file.
    pub header: Vec<String>,
    pub cells: Vec<Cells>,
    pub rows: usize,
}

/// What a column's stored values mean.
#[derive(Clone, Copy)]
enum Meaning {
    Integer,
    /// Stored in a signed integer of the same width.
    Unsigned,
    Number,
    /// A whole number of 10^-scale.
    Decimal {
        scale: i32,
    },
    /// Days since 1970.
    Days,
    /// So many of them make a second, since 1970.
    Time {
        a_second: i64,
    },
    Text,
}

/// Reads the columns that `wanted` picks.
///
/// # Errors
/// The file cannot be read, is malformed, or a wanted column has no meaning here.
pub(super) fn read(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Columns, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let header: Vec<String> =
        schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut kept = Vec::new();
    for (place, name) in header.iter().enumerate().filter(|(_, name)| wanted(name)) {
        let (leaf, meaning) = flat(&schema, place).map_err(|problem| format!("column {name}: {problem}"))?;
        kept.push((name.clone(), leaf, meaning, empty(meaning)));
    }
    let mut rows = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| error.to_string())?;
        rows += usize::try_from(group.metadata().num_rows()).map_err(|error| error.to_string())?;
        for (name, leaf, meaning, cells) in &mut kept {
            let column = group.get_column_reader(*leaf).map_err(|error| error.to_string())?;
            let max = schema.column(*leaf).max_def_level();
            append(column, (max, *meaning), cells).map_err(|problem| format!("column {name}: {problem}"))?;
        }
    }
    let (names, cells) = kept.into_iter().map(|(name, _, _, cells)| (name, cells)).unzip();
    Ok(Columns { names, header, cells, rows })
}

/// The one leaf of a top-level field, and what it means.
fn flat(schema: &SchemaDescriptor, root: usize) -> Result<(usize, Meaning), String> {
    let mut leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root);
    let nested = || "nested columns cannot be read; flatten it".to_owned();
    let leaf = leaves.next().ok_or_else(nested)?;
    let column = schema.column(leaf);
    if leaves.next().is_some() || column.max_rep_level() > 0 || !column.self_type().is_primitive() {
        return Err(nested());
    }
    let meaning = meaning(&column).ok_or_else(|| {
        let (physical, converted) = (column.physical_type(), column.converted_type());
        format!("values of type {physical} ({converted}) cannot be read; convert them to numbers or text")
    })?;
    Ok((leaf, meaning))
}

fn meaning(column: &ColumnDescriptor) -> Option<Meaning> {
    let whole = matches!(column.physical_type(), Physical::INT32 | Physical::INT64);
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(kind)) => {
            return Some(Meaning::Time {
                a_second: match kind.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                },
            });
        }
        Some(LogicalType::Decimal(kind)) if whole => return Some(Meaning::Decimal { scale: kind.scale }),
        Some(LogicalType::Integer(kind)) if !kind.is_signed => return Some(Meaning::Unsigned),
        Some(LogicalType::Date) => return Some(Meaning::Days),
        _by_the_older_types => {}
    }
    match (column.physical_type(), column.converted_type()) {
        (Physical::INT32, ConvertedType::DATE) => Some(Meaning::Days),
        (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS) => Some(Meaning::Time { a_second: 1_000 }),
        (Physical::INT64, ConvertedType::TIMESTAMP_MICROS) => Some(Meaning::Time { a_second: 1_000_000 }),
        (Physical::INT96, _) => Some(Meaning::Time { a_second: 1 }),
        (_, ConvertedType::DECIMAL) if whole => Some(Meaning::Decimal { scale: column.type_scale() }),
        (
            _,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
        ) => Some(Meaning::Unsigned),
        (Physical::BOOLEAN | Physical::INT32 | Physical::INT64, _) => Some(Meaning::Integer),
        (Physical::FLOAT | Physical::DOUBLE, _) => Some(Meaning::Number),
        (Physical::BYTE_ARRAY, ConvertedType::DECIMAL) => None,
        (Physical::BYTE_ARRAY, _) => Some(Meaning::Text),
        (Physical::FIXED_LEN_BYTE_ARRAY, _) => None,
    }
}

const fn empty(meaning: Meaning) -> Cells {
    match meaning {
        Meaning::Integer | Meaning::Unsigned => Cells::Integers(Vec::new()),
        Meaning::Number | Meaning::Decimal { .. } => Cells::Numbers(Vec::new()),
        Meaning::Days | Meaning::Time { .. } => Cells::Times(Vec::new()),
        Meaning::Text => Cells::Texts { joined: String::new(), ends: Vec::new() },
    }
}

fn append(column: ColumnReader, (max, meaning): (i16, Meaning), into: &mut Cells) -> Result<(), String> {
    match column {
        ColumnReader::BoolColumnReader(column) => {
            decode(column, max, |value| whole(value.map(|value| i64::from(*value)), meaning, into))
        }
        ColumnReader::Int32ColumnReader(column) => decode(column, max, |value| {
            let signed = |value: i32| match meaning {
                Meaning::Unsigned => i64::from(value as u32),
                _signed => i64::from(value),
            };
            whole(value.map(|value| signed(*value)), meaning, into)
        }),
        ColumnReader::Int64ColumnReader(column) => {
            decode(column, max, |value| whole(value.copied(), meaning, into))
        }
        ColumnReader::Int96ColumnReader(column) => {
            decode(column, max, |value| whole(value.map(|value| value.to_seconds()), meaning, into))
        }
        ColumnReader::FloatColumnReader(column) => {
            decode(column, max, |value| number(value.map(|value| f64::from(*value)), into))
        }
        ColumnReader::DoubleColumnReader(column) => decode(column, max, |value| number(value.copied(), into)),
        ColumnReader::ByteArrayColumnReader(column) => decode(column, max, |value| text(value, into)),
        ColumnReader::FixedLenByteArrayColumnReader(_) => Err("it has no meaning here".to_owned()),
    }
}

/// Gives every value of a column, absent ones too, in order.
fn decode<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    max: i16,
    mut each: impl FnMut(Option<&T::T>) -> Result<(), String>,
) -> Result<(), String> {
    let (mut values, mut levels) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    loop {
        values.clear();
        levels.clear();
        let optional = (max > 0).then_some(&mut levels);
        let (rows, _, _) =
            column.read_records(BATCH, optional, None, &mut values).map_err(|error| error.to_string())?;
        if rows == 0 {
            return Ok(());
        }
        let mut present = values.iter();
        for row in 0..rows {
            let is_present = max == 0 || levels.get(row) == Some(&max);
            each(if is_present { present.next() } else { None })?;
        }
    }
}

fn whole(value: Option<i64>, meaning: Meaning, into: &mut Cells) -> Result<(), String> {
    match (into, meaning) {
        (Cells::Integers(_), Meaning::Unsigned) if value.is_some_and(|value| value < 0) => {
            return Err("a number is too large; convert the column to text".to_owned());
        }
        (Cells::Integers(cells), _) => cells.push(value),
        (Cells::Times(cells), Meaning::Days) => cells.push(value.map(|days| days.saturating_mul(DAY_S))),
        (Cells::Times(cells), Meaning::Time { a_second }) => {
            cells.push(value.map(|time| time.div_euclid(a_second)));
        }
        (Cells::Numbers(cells), Meaning::Decimal { scale }) => {
            cells.push(value.map(|value| value as f64 / 10f64.powi(scale)));
        }
        (Cells::Numbers(_) | Cells::Times(_) | Cells::Texts { .. }, _) => {
            return Err("its values are not of its type".to_owned());
        }
    }
    Ok(())
}

fn number(value: Option<f64>, into: &mut Cells) -> Result<(), String> {
    let Cells::Numbers(cells) = into else { return Err("its values are not of its type".to_owned()) };
    cells.push(value);
    Ok(())
}

fn text(value: Option<&ByteArray>, into: &mut Cells) -> Result<(), String> {
    let Cells::Texts { joined, ends } = into else { return Err("its values are not of its type".to_owned()) };
    if let Some(value) = value {
        joined.push_str(value.as_utf8().map_err(|_| "a text is not UTF-8".to_owned())?);
    }
    ends.push(joined.len());
    Ok(())
}

/// Writes named columns of one length, compressed, in one row group.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write<N: AsRef<str>>(file: File, columns: &[(N, Column)]) -> Result<(), String> {
    write_file(file, columns).map_err(|error| error.to_string())
}

fn write_file<N: AsRef<str>>(
    file: File,
    columns: &[(N, Column)],
) -> Result<(), parquet::errors::ParquetError> {
    let fields = columns.iter().map(|(name, column)| field(name.as_ref(), column));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("table").with_fields(fields).build()?;
    let compression = Compression::ZSTD(ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        if let Some(into) = group.next_column()? {
            write_column(into, column)?;
        }
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn field(name: &str, column: &Column) -> Result<Arc<Type>, parquet::errors::ParquetError> {
    let (physical, repetition, logical) = match column {
        Column::Integers(_) => (Physical::INT64, Repetition::REQUIRED, None),
        Column::Numbers(_) => (Physical::DOUBLE, Repetition::REQUIRED, None),
        Column::Texts(_) => (Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String)),
    };
    let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
    Ok(Arc::new(builder.with_logical_type(logical).build()?))
}

fn write_column(
    mut into: SerializedColumnWriter<'_>,
    column: &Column,
) -> Result<(), parquet::errors::ParquetError> {
    match column {
        Column::Integers(cells) => into.typed::<Int64Type>().write_batch(cells, None, None)?,
        Column::Numbers(cells) => into.typed::<DoubleType>().write_batch(cells, None, None)?,
        Column::Texts(cells) => {
            let present = cells.iter().filter(|cell| !cell.is_empty());
            let values: Vec<ByteArray> = present.map(|cell| ByteArray::from(cell.as_str())).collect();
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(!cell.is_empty())).collect();
            into.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?
        }
    };
    into.close()
}
