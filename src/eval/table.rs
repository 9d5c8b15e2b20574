//! A report as a table.

use std::fmt;
use std::time::Duration;

use super::groups::GroupReport;
use super::identification::Identification;
use super::rates::OperatingPoint;
use super::{Report, percent};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_dataset(f)?;
        self.write_rates(f)?;
        if let Some(identification) = &self.identification {
            writeln!(f, "{identification}")?;
        }
        for group in &self.groups {
            writeln!(f, "{group}")?;
        }
        self.write_held_out(f)?;
        for curves in &self.quality {
            writeln!(f, "{curves}")?;
        }
        self.write_timings(f)
    }
}

impl Report {
    fn write_dataset(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "dataset             {} ({} images, {} subjects)",
            self.dataset, self.images, self.subjects
        )?;
        writeln!(f, "dataset sha-256     {}", self.dataset_sha256)?;
        writeln!(f, "embedder            {}", self.models.embedder)?;
        for model in &self.models.files {
            writeln!(f, "model sha-256       {} {}", model.sha256, model.file)?;
        }
        let failed = self.failures_to_acquire.len();
        writeln!(
            f,
            "failure to acquire  {:.3} % ({failed} of {})",
            percent(failed as f64 / self.images as f64),
            self.images
        )?;
        for name in &self.failures_to_acquire {
            writeln!(f, "                    {name}")?;
        }
        if let Some(accuracy) = &self.accuracy {
            writeln!(
                f,
                "accuracy            {:.2} % ± {:.2} (mean and s.d. over {} folds)",
                percent(accuracy.mean),
                percent(accuracy.standard_deviation),
                accuracy.folds.len()
            )?;
        }
        Ok(())
    }

    fn write_rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "comparisons         {} mated, {} non-mated\n",
            self.mated, self.non_mated
        )?;
        write_points(f, &self.operating_points)?;
        writeln!(
            f,
            "Intervals by a bootstrap over subjects; FAR and FRR count failures to acquire as refusals.\n"
        )
    }

    fn write_held_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.held_out.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "calibration made from the people of the first folds, checked on the others"
        )?;
        writeln!(f, "target FMR  threshold  FMR        matches")?;
        for rate in &self.held_out {
            writeln!(
                f,
                "{:<10.0e}  {:<9.4}  {:<9.2e}  {:>7}{}",
                rate.target_fmr,
                rate.threshold,
                rate.fmr,
                rate.false_matches,
                if rate.extrapolated {
                    "  (extrapolated)"
                } else {
                    ""
                }
            )?;
        }
        writeln!(f)
    }

    fn write_timings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |time: Duration, count: usize| time.as_secs_f64() * 1e3 / count.max(1) as f64;
        let timings = &self.timings;
        let total = timings.decode + timings.detect + timings.landmarks + timings.embed;
        writeln!(
            f,
            "time on one thread  {:.1} ms a face ({} faces); an image: decode {:.1}, detect {:.1}; a face: landmarks {:.1}, embed {:.1}",
            each(total, self.faces),
            self.faces,
            each(timings.decode, self.images),
            each(timings.detect, self.images),
            each(timings.landmarks, self.faces),
            each(timings.embed, self.faces),
        )
    }
}

fn write_points(f: &mut fmt::Formatter<'_>, points: &[OperatingPoint]) -> fmt::Result {
    writeln!(
        f,
        "target FMR  threshold  FMR [95 %]                     matches  FNMR % [95 %]          FAR       FRR %"
    )?;
    for point in points {
        let (fmr, fnmr) = (&point.fmr, &point.fnmr);
        writeln!(
            f,
            "{:<10.0e}  {:<9.4}  {:<8.2e} [{:.2e}, {:.2e}]  {:>7}  {:>5.2} [{:>5.2}, {:>5.2}]  {:>9.2e} {:>9.2}",
            point.target_fmr,
            point.threshold,
            fmr.value,
            fmr.low,
            fmr.high,
            point.false_matches,
            percent(fnmr.value),
            percent(fnmr.low),
            percent(fnmr.high),
            point.far,
            percent(point.frr),
        )?;
    }
    Ok(())
}

impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "identification      {} subjects with one picture each, {} mated and {} non-mated probes",
            self.gallery, self.mated_probes, self.non_mated_probes
        )?;
        writeln!(f, "failure to enrol %  {}", self.failures_to_enrol)?;
        writeln!(f, "right one first %   {}", self.first)?;
        writeln!(
            f,
            "target FPIR  threshold  FPIR % [95 %]                     FNIR % [95 %]"
        )?;
        for point in &self.points {
            let [value, low, high] =
                [point.fnir.value, point.fnir.low, point.fnir.high].map(percent);
            writeln!(
                f,
                "{:<11}  {:<9.4}  {}  {value:>5.2} [{low:>5.2}, {high:>5.2}]",
                point.target_fpir, point.threshold, point.fpir
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "group {:13} {} subjects, {} mated and {} non-mated comparisons among them",
            self.name, self.subjects, self.mated, self.non_mated
        )?;
        writeln!(f, "failure to acquire %{}", self.failures_to_acquire)?;
        if self.operating_points.is_empty() {
            return writeln!(f, "too few comparisons for rates");
        }
        write_points(f, &self.operating_points)
    }
}
