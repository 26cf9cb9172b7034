# 已发布课次变更的通知，可直接转发。

weekday = { $weekday ->
    [1] 星期一
    [2] 星期二
    [3] 星期三
    [4] 星期四
    [5] 星期五
    [6] 星期六
   *[7] 星期日
}
month = { $month }月
date = { $year }年{ $month }{ $day }日（{ $weekday }）
time-of-one-day = { $date }{ $from }–{ $until }
time-over-midnight = { $date }{ $from }至{ $end_date }{ $until }
time-with-zone = { $time }（{ $zone }）
end-on-another-day = { $date }{ $time }

moved = 原定于{ $before }的课次“{ $code } { $module }”改至{ $after }。
changed = 原定于{ $before }的课次“{ $code } { $module }”时间不变，安排有调整：
ends = 原定于{ $before }的课次“{ $code } { $module }”改为{ $end }结束（原为{ $instead }）。
continued = 原定于{ $before }的课次“{ $code } { $module }”改为{ $end }结束，其余部分由{ $time }的课次“{ $other }”继续。
cancelled = 原定于{ $before }的课次“{ $code } { $module }”取消。
replaced = 由{ $time }的课次“{ $code }”代替。
mode = 授课方式：{ $after }（原为{ $before }）。
length = 时长：{ $after }（原为{ $before }）。
breaks = 课间休息：{ $after }（原为{ $before }）。
place = 地点：{ $after }（原为{ $before }）。
instructors = 授课教师：{ $after }（原为{ $before }）。
cohorts = 班级：{ $after }（原为{ $before }）。
reason = 原因：{ $reason }
# 链接之后空一格，以免后面的标点被当作链接的一部分。
place-with-link = { $place } { $link } { "" }
nothing = 待定
by-the-clock = 按起止时间计
minutes = { $minutes ->
    [0] 无
   *[other] { $minutes }分钟
}
between-names = 、
between-sentences = { "" }

on_site = 面授
live_online = 线上直播
mixed = 线上线下混合
recorded = 录播
