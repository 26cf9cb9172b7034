# What a change of a published session says, ready to be forwarded.

weekday = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}
month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
date = { $weekday }, { $day } { $month } { $year }
time-of-one-day = { $date } { $from }–{ $until }
time-over-midnight = { $date } { $from } – { $end_date } { $until }
time-with-zone = { $time } ({ $zone })
end-on-another-day = { $time } on { $date }

moved = The session { $code } { $module } of { $before } is moved to { $after }.
changed = The session { $code } { $module } of { $before } keeps its time, with changes:
ends = The session { $code } { $module } of { $before } ends at { $end } instead of { $instead }.
continued = The session { $code } { $module } of { $before } ends at { $end } and continues as { $other } on { $time }.
cancelled = The session { $code } { $module } of { $before } is cancelled.
replaced = It is replaced by the session { $code } of { $time }.
mode = How: { $after } (before: { $before }).
length = Length: { $after } (before: { $before }).
breaks = Breaks: { $after } (before: { $before }).
place = Place: { $after } (before: { $before }).
instructors = Taught by: { $after } (before: { $before }).
cohorts = For: { $after } (before: { $before }).
reason = Reason: { $reason }
place-with-link = { $place } { $link }
nothing = not yet known
by-the-clock = from start to end
minutes = { $minutes ->
    [0] none
    [one] 1 minute
   *[other] { $minutes } minutes
}
between-names = , { "" }
between-sentences = { " " }

on_site = on site
live_online = live online
mixed = mixed
recorded = recorded
