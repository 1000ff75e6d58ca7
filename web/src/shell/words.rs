words! {
    ShellWords {
        skip: "Skip to the page" / "跳到页面内容",
        navigation: "Pages" / "页面导航",
        overview: "Overview" / "总览",
        jobs: "Jobs" / "作业",
        runs: "Runs" / "运行记录",
        timeline: "Timeline" / "时间线",
        nodes: "Nodes" / "节点",
        groups: "Groups" / "节点组",
        calendars: "Calendars" / "日历",
        settings: "Settings" / "设置",
        more: "More" / "更多",
        connecting: "Connecting…" / "正在连接…",
        live: "Live" / "实时",
        live_about: "Changes appear here as they happen." / "变化会即时显示在这里。",
        lost: "Connection lost" / "连接已断开",
        lost_about: "What is shown is as it was {ago}. Trying again." / "当前显示的是 {ago} 的内容，正在重新连接。",
    }
}
