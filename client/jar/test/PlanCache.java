import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import liuhen.context.Context;

/** What the context costs: the same statement, prepared each time as a pool with a statement cache sees it, with so many users in turn. */
public final class PlanCache {
    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[1]);
        for (int users : new int[] {1, 100, 1000}) {
            for (int round = 0; round < 3; round++) {
                long plain = run("jdbc:" + arguments[0], count, 0);
                long with = run("jdbc:liuhen:" + arguments[0], count, users);
                System.out.printf("%s, %d users: %.1f µs without, %.1f with, %.2f times%n", System.getProperty("liuhen.way"), users,
                    plain / 1e3 / count, with / 1e3 / count, (double) with / plain);
            }
        }
    }

    private static long run(String url, int count, int users) throws Exception {
        try (Connection connection = DriverManager.getConnection(url, "app", "")) {
            long begun = System.nanoTime();
            for (int number = 0; number < count; number++) {
                Context.set(users == 0 ? null : new Context("hr-1", "pension", "user-" + number % users));
                try (PreparedStatement statement = connection.prepareStatement("select name from civil.resident where id = ?")) {
                    statement.setInt(1, number % 500 + 1);
                    try (ResultSet rows = statement.executeQuery()) {
                        rows.next();
                    }
                }
            }
            return System.nanoTime() - begun;
        }
    }
}
