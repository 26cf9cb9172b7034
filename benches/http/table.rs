//! The table that is printed at the end.

use crate::{measure::Sample, operation::Operation, server::ticks_per_second};

/// One operation at one number of connections, on the floor and on each database.
#[derive(Debug)]
pub struct Row {
    pub operation: Operation,
    pub connections: usize,
    pub floor: Sample,
    pub samples: Vec<Sample>,
}

/// Memory of a server, in MiB.
#[derive(Debug)]
pub struct Memory {
    pub intakes: usize,
    pub idle: f64,
    pub loaded: f64,
}

const NAME: usize = 37;

pub fn print(database: &str, intakes: &[usize], rows: &[Row], memory: &[Memory]) {
    println!(
        "\n{database}. Times in µs; CPU is utime + stime of the server's process per request, a tick is {} ms.",
        1000 / ticks_per_second()
    );
    println!(
        "db: CPU of the database's own processes. x: CPU in floors. n: requests. Growth: CPU and db together, and p50, with {} intakes over those with {}.",
        last(intakes),
        intakes[0]
    );
    println!(
        "~: how far the three rounds lie apart, whichever database's more; what one tick would change is at most {:.1} µs.\n",
        resolution(rows)
    );
    let mut header = format!("{:NAME$} {:>5} | {:>7} {:>5} {:>5}", "", "", "floor", "", "");
    let mut names = format!("{:NAME$} {:>5} | {:>7} {:>5} {:>5}", "", "conns", "req/s", "p50", "CPU");
    for count in intakes {
        header.push_str(&format!(" | {:>7} {:<43}", count, if *count == 1 { "intake" } else { "intakes" }));
        names.push_str(&format!(" | {:>7} {:>6} {:>6} {:>6} {:>5} {:>6} {:>8}", "req/s", "p50", "p99", "CPU", "db", "x", "n"));
    }
    println!("{header} | growth\n{names} | {:>5} {:>5} {:>5}", "CPU", "~", "p50");
    for row in rows {
        println!("{}", line(row));
    }
    println!();
    for Memory { intakes, idle, loaded } in memory {
        println!("resident with {intakes:>2} intakes: {idle:.1} MiB idle after the start, {loaded:.1} MiB after the load");
    }
}

fn line(Row { operation, connections, floor, samples }: &Row) -> String {
    let mut line =
        format!("{:NAME$} {connections:>5} | {:>7.0} {:>5.0} {:>5.1}", operation.name(), floor.rate(), floor.percentile(50), floor.cpu());
    for sample in samples {
        let (rate, half, most, cpu) = (sample.rate(), sample.percentile(50), sample.percentile(99), sample.cpu());
        line.push_str(&format!(
            " | {rate:>7.0} {half:>6.0} {most:>6.0} {cpu:>6.0} {:>5.0} {:>6.1} {:>8}",
            sample.database(),
            cpu / floor.cpu(),
            sample.requests()
        ));
    }
    if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
        let spread = samples.iter().map(Sample::spread).fold(0.0, f64::max);
        let half = last.percentile(50) / first.percentile(50);
        line.push_str(&format!(
            " | {:>5.2} {:>5.2} {half:>5.2}",
            (last.cpu() + last.database()) / (first.cpu() + first.database()),
            spread
        ));
    }
    line
}

fn last(intakes: &[usize]) -> usize {
    intakes[intakes.len() - 1]
}

fn resolution(rows: &[Row]) -> f64 {
    rows.iter().flat_map(|row| &row.samples).map(Sample::resolution).fold(0.0, f64::max)
}
