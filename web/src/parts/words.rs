words! {
    /// What several pages say.
    PartWords {
        loading: "Loading" / "加载中",
        retry: "Try again" / "重试",
        unreachable: "The server does not answer" / "服务器没有响应",
        refused: "That did not work" / "操作未成功",
        not_found: "It is not there" / "未找到",
        as_it_was: "Not refreshed since {ago}" / "自 {ago} 起未刷新",
        cancel: "Cancel" / "取消",
        close: "Close" / "关闭",
        undo: "Undo" / "撤销",
        search: "Search" / "搜索",
        clear: "Clear" / "清除",
        touched: "What it touches" / "涉及的对象",
        no_runs: "no runs yet" / "尚无运行记录",
        pending: "pending" / "待触发",
        queued: "queued" / "排队中",
        running: "running" / "运行中",
        succeeded: "succeeded" / "成功",
        failed: "failed" / "失败",
        timed_out: "timed out" / "超时",
        killed: "killed" / "已终止",
        skipped: "skipped" / "已跳过",
        missed: "missed" / "已错过",
        rejected: "rejected" / "被拒绝",
        lost: "lost" / "失联",
    }
}
