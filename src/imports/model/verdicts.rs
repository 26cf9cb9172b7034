//! The file as it was sent, with what became of each row: to be sent back to whoever made it.

use std::collections::HashMap;

use super::{Report, RowReport, Verdict};
use crate::{schedule::Severity, tabular::Table};

/// What people call the verdicts.
const fn called(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Create => "新增",
        Verdict::Update => "更新",
        Verdict::Unchanged => "无变化",
        Verdict::AlreadyEnrolled => "已在册",
        Verdict::DuplicateInFile => "文件内重复",
        Verdict::NeedsReview => "需人工核对",
        Verdict::Invalid => "无效",
    }
}

/// The headers and rows of the file, with a column for the verdict and one for the reason behind them.
pub(in crate::imports) fn verdict_table(table: &Table, report: &Report) -> (Vec<String>, Vec<Vec<String>>) {
    let reports: HashMap<u32, &RowReport> = report.rows.iter().map(|row| (row.row, row)).collect();
    let width = table.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).max(table.header.cells.len());
    let padded = |cells: &[String]| {
        let mut cells = cells.to_vec();
        cells.resize(width, String::new());
        cells
    };
    let mut header = padded(&table.header.cells);
    header.extend(["结果 (verdict)".to_owned(), "原因 (reason)".to_owned()]);
    let rows = table.rows.iter().map(|row| {
        let mut cells = padded(&row.cells);
        match reports.get(&row.number) {
            Some(report) => cells.extend([format!("{} ({})", called(report.verdict), report.verdict), report.why()]),
            None => cells.extend([String::new(), String::new()]),
        }
        cells
    });
    (header, rows.collect())
}

impl RowReport {
    /// Why, what is in the way, and what changes, in one line.
    pub fn why(&self) -> String {
        let reasons = self.reasons.iter().map(|reason| match &reason.column {
            Some(column) => format!("{column}: {}", reason.detail),
            None => reason.detail.clone(),
        });
        let changes = self.what.iter().map(|change| {
            let or_nothing = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
            format!("{}: {} → {}", change.field, or_nothing(&change.from), or_nothing(&change.to))
        });
        let untold = self.conflicts.iter().filter(|conflict| self.reasons.iter().all(|reason| reason.detail != conflict.detail));
        let conflicts = untold.map(|conflict| match conflict.severity {
            Severity::Block if self.verdict.is_fault() => conflict.detail.clone(),
            Severity::Block => format!("keeps it from being published: {}", conflict.detail),
            Severity::Warn => format!("warning: {}", conflict.detail),
        });
        reasons.chain(conflicts).chain(changes).collect::<Vec<_>>().join("; ")
    }
}
